import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { COLUMNS, eventSchema } from '../../services/contract/event.ts'
import { segments } from '../../services/ingestor/judge.ts'
import { copyRows } from '../../services/ingestor/load.ts'
import { claimOn, HEADER, judging } from '../ingestor/claimed.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { NEAR, nearRow, type Texts } from './near.ts'

let database: TestDatabase
let folders: Folders
beforeAll(async () => {
  database = await freshDatabase()
  folders = await freshFolders()
})

/**
 * Judges the rows as one file and copies what is accepted into a table with the columns and the
 * constraints of `user_activity`.
 * @returns how PostgreSQL shows them, by their place
 */
async function throughPostgres(rows: readonly Texts[]): Promise<Map<number, Texts>> {
  const body = stringify(rows.map(row => COLUMNS.map(column => row[column])))
  writeFileSync(join(folders.input, 'near.csv'), `${HEADER}\n${body}`)
  const reading = judging(folders.input, { maxLineBytes: 65_536, batchRows: 1_000_000 })
  const judged = [...segments(claimOn('near.csv'), reading)]
  const client = await database.pool.connect()
  try {
    await client.query('create temp table if not exists taken (like user_activity including all)')
    await client.query('alter table taken drop constraint if exists taken_pkey; truncate taken')
    const tuples = judged.map(({ copy }) => copy)
    const count = judged.reduce((sum, { offsets }) => sum + offsets.length, 0)
    await copyRows(client, 'taken', { tuples, count })
    return await shown(client)
  } finally {
    client.release()
  }
}

async function shown(client: pg.PoolClient): Promise<Map<number, Texts>> {
  const { rows } = await client.query(
    `select line_no, event_id::text, (extract(epoch from event_time) * 1000000)::numeric(30)::text as event_time,
            event_type, product_id::text, price::text, user_id::text, session_id
       from taken`,
  )
  return new Map(rows.map(({ line_no, ...texts }) => [line_no - 2, texts]))
}

/** The same value as PostgreSQL should show it, reckoned without PostgreSQL and without a float. */
function meaning(row: Texts): Texts {
  const [whole, cents = ''] = row.price.split('.')
  return {
    ...row,
    event_id: row.event_id.toLowerCase(),
    event_time: microseconds(row.event_time).toString(),
    price: `${whole}.${cents.padEnd(2, '0')}`,
  }
}

function microseconds(text: string): bigint {
  const part = /^(\d+)-(\d+)-(\d+).(\d+):(\d+):(\d+)(?:\.(\d+))?(?:Z|([+-])(\d+):(\d+))?$/.exec(
    text,
  )!
  const [year, month, day, hour, minute, second] = part.slice(1, 7).map(Number) as number[]
  const offset = (part[8] === '-' ? -60 : 60) * (Number(part[9] ?? 0) * 60 + Number(part[10] ?? 0))
  const seconds =
    daysFromCivil(year!, month!, day!) * 86_400 + hour! * 3_600 + minute! * 60 + second! - offset
  return BigInt(seconds) * 1_000_000n + BigInt((part[7] ?? '').padEnd(6, '0'))
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

describe('what the contract accepts PostgreSQL stores, with the same meaning', () => {
  const isGood = (row: Texts) => eventSchema.safeParse(row).success

  async function expectSame(rows: readonly Texts[]): Promise<number> {
    const taken = await throughPostgres(rows)
    for (const [place, row] of rows.entries()) {
      if (isGood(row)) assert.deepEqual(taken.get(place), meaning(row))
      else
        assert.equal(taken.get(place), undefined, `PostgreSQL got a reject: ${JSON.stringify(row)}`)
    }
    return taken.size
  }

  test.each(COLUMNS)('%s', async column => {
    let taken = 0
    const near = fc.array(NEAR[column], { minLength: 200, maxLength: 600, size: 'max' })
    await fc.assert(
      fc.asyncProperty(near, async texts => {
        const rows = texts.map(text => ({ ...NEARLY, [column]: text }))
        taken += await expectSame(rows)
      }),
      { numRuns: 5, endOnFailure: true },
    )
    expect(taken).toBeGreaterThan(100)
  })

  test('all columns at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(nearRow, { minLength: 500, maxLength: 1_000, size: 'max' }),
        async rows => {
          await expectSame(rows)
        },
      ),
      { numRuns: 5, endOnFailure: true },
    )
  })

  const NEARLY: Texts = {
    event_id: '018f4e9a-7c1b-7cc3-9a51-0242ac120002',
    event_time: '2026-01-02T07:15:22.000001-15:59',
    event_type: 'purchase',
    product_id: '2147483647',
    price: '0.1',
    user_id: '1',
    session_id: ' "\\." ',
  }
})

test('the reasons of the code are the reasons that the table allows', async () => {
  const { REJECT_REASONS, REFUSE_REASONS } = await import('../../services/contract/reasons.ts')
  const allowed = async (table: string) => {
    const text = await database.value<string>(
      `select pg_get_constraintdef(oid) from pg_constraint
        where conrelid = $1::regclass and conname = $2`,
      [table, `${table}_reason_check`],
    )
    return [...text.matchAll(/'([a-z0-9_]+)'::text/g)].map(([, reason]) => reason).sort()
  }
  expect(await allowed('user_activity_errors')).toEqual(Object.keys(REJECT_REASONS).sort())
  expect(await allowed('ingest_files')).toEqual(Object.keys(REFUSE_REASONS).sort())
})
