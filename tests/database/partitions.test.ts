import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { breaches } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { fileOf, type GivenLine, makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'

const PARTITIONS = fileURLToPath(new URL('../../deploy/partitions.sql', import.meta.url))

test('months of user_activity: rows, duplicates, conflicts, views and rights are what they were', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const before = makeFiles(2, { prefix: 'before', seed: 31, rows: 300 })
  const ingestor = startIngestor(database, folders, { INGEST_BATCH_ROWS: '100' })
  await publish(before, folders)
  await drained(database, before)
  const rights = await rightsOn(database, 'user_activity')
  await database.query(await readFile(PARTITIONS, 'utf8'))
  for (const month of ['2031-01-15', '2031-02-15']) {
    await database.query(`select ingest_partition_month('${month}')`)
  }
  expect(await rightsOn(database, 'user_activity')).toEqual(rights)

  // Some of each month, and each of them twice: the second is a duplicate, or says something else.
  const events = ['2031-01-31 23:59:59.999', '2031-02-01 00:00:00.000', '2031-02-28 23:59:59.999']
    .map(uuidV7At)
    .map(id => eventOf(id, '1.00'))
  const after = [
    ...makeFiles(2, { prefix: 'after', seed: 32, rows: 300, repeatPercent: 10 }),
    fileOf(
      'months.csv',
      events.map(event => ({ event })),
    ),
    fileOf(
      'again.csv',
      events.map(event => ({ event })),
    ),
  ]
  await publish(after, folders)
  await drained(database, [...before, ...after])
  const others = events.map(
    ([id]): GivenLine => ({ raw: eventOf(id!, '2.00').join(','), reason: 'id_conflict' }),
  )
  const conflicting = fileOf('conflicting.csv', others)
  await publish([conflicting], folders)
  const files = [...before, ...after, conflicting]
  await drained(database, files)
  expect(await ingestor.stop()).toEqual({ code: 0, signal: null })

  expect(await breaches({ database, folders, files })).toEqual([])
  expect(await countOf(database, 'user_activity_2031_01')).toBe(1)
  expect(await countOf(database, 'user_activity_2031_02')).toBe(2)
  expect(await countOf(database, 'user_activity_rest')).toBeGreaterThan(500)
  const perMinute = await database.value<number>('select sum(events)::int from activity_per_minute')
  expect(perMinute).toBe(await countOf(database, 'user_activity'))

  await database.query('alter table user_activity detach partition user_activity_2031_02')
  // What was taken away is missed, and not forgotten.
  expect(
    await database.query('select what, expected - found as missing from ingest_discrepancies'),
  ).toEqual([{ what: 'rows_loaded', missing: 2 }])
})

/** The first id of a moment, by hand: 48 bits of milliseconds, the version, the variant. */
function uuidV7At(moment: string): string {
  const hex = Date.parse(`${moment.replace(' ', 'T')}Z`)
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`
}

const eventOf = (id: string, price: string): string[] => [
  ...[id, '2031-02-01 10:00:00.000000', 'view', '1', price, '1', 's'],
]

function countOf(database: TestDatabase, table: string): Promise<number> {
  return database.value<number>(`select count(*) from ${table}`)
}

function rightsOn(database: TestDatabase, table: string) {
  return database.query(
    `select grantee, privilege_type from information_schema.table_privileges
      where table_name = $1 order by 1, 2`,
    [table],
  )
}
