import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Folders, freshFolders } from '../support/folders.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted, ingestOnce, type Once } from './once.ts'

const row = (n: number) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s`
const EXPECTED = `line 1: expected a header with the columns ${HEADER}, once each in any order;`
const names = HEADER.split(',')

const REFUSED: Record<string, [header: string | Buffer, message: string]> = {
  'missing.csv': [names.slice(0, 6).join(','), `${EXPECTED} missing: "session_id"`],
  'repeated.csv': [`${HEADER},price`, `${EXPECTED} repeated: "price"`],
  'unknown.csv': [`${HEADER},colour`, `${EXPECTED} unknown: "colour"`],
  'none.csv': [
    row(1),
    `${EXPECTED} missing: ${names.map(name => `"${name}"`).join(', ')}; unknown: "${row(1).split(',').join('", "')}"`,
  ],
  'blank.csv': [
    '',
    `${EXPECTED} missing: ${names.map(name => `"${name}"`).join(', ')}; unknown: ""`,
  ],
  'quote.csv': [
    `"${HEADER}`,
    'line 1: expected a header; expected fields quoted as in RFC 4180, found a quote that is never closed',
  ],
  'latin1.csv': [
    Buffer.from([0xe9]),
    'line 1: expected a header; byte 1 of the line: expected UTF-8, found other bytes',
  ],
  'long.csv': ['x'.repeat(70_000), 'line 1: expected a header of at most 65536 bytes, found 70000'],
  'longer.csv': [
    'x'.repeat(700_000),
    'line 1: expected a header of at most 65536 bytes, found 700000',
  ],
}
const ACCEPTED: Record<string, string> = {
  'reordered.csv': `${names.toReversed().join(',')}\ns,2,9.99,1,view,2026-01-02 07:15:22,${idOf(1)}\n`,
  'quoted.csv': `${names.map(name => `"${name}"`).join(',')}\n${row(2)}\n`,
  'bom-crlf.csv': `\ufeff${HEADER}\r\n${row(3)}\r\n`,
  'bom-quoted.csv': `\ufeff"event_id",${names.slice(1).join(',')}\n${row(4)}`,
}

let database: TestDatabase
let folders: Folders
let once: Once
beforeAll(async () => {
  database = await freshDatabase()
  folders = await freshFolders()
  for (const [name, [header]] of Object.entries(REFUSED))
    await folders.drop(
      name,
      Buffer.concat([Buffer.from(header as string), Buffer.from(`\n${row(9)}\n`)]),
    )
  for (const [name, content] of Object.entries(ACCEPTED)) await folders.drop(name, content)
  once = await ingestOnce(database, folders)
})

describe('69: a header', () => {
  test.each(Object.keys(REFUSED))(
    'that is wrong refuses the whole file and names the difference: %s',
    async name => {
      expect(
        await database.query(
          'select status, reason, message, rows_read, byte_offset from ingest_files where file_name = $1',
          [name],
        ),
      ).toEqual([
        {
          status: 'refused',
          reason: 'bad_header',
          message: REFUSED[name]![1],
          rows_read: 0,
          byte_offset: 0,
        },
      ])
      expect(once.summary.refusals).toContain(`${name}: ${REFUSED[name]![1]}`)
    },
  )

  test('65 and 69: with the columns in any order, quoted or after a BOM is good', async () => {
    const rows = await database.query(
      `select file_name, event_id, event_time::text, event_type, product_id, price, user_id, session_id
         from user_activity join ingest_files using (file_id) order by event_id`,
    )
    expect(rows).toEqual(
      Object.keys(ACCEPTED).map((file_name, index) => ({
        ...{ file_name, event_id: idOf(index + 1), event_time: '2026-01-02 07:15:22+00' },
        ...{ event_type: 'view', product_id: 1, price: '9.99', user_id: 2, session_id: 's' },
      })),
    )
  })

  test('decides where the file goes, and what the command ends with', async () => {
    expect(readdirSync(folders.input)).toEqual([])
    expect(readdirSync(folders.refused).sort()).toEqual(Object.keys(REFUSED).sort())
    expect(readdirSync(folders.archive).sort()).toEqual(Object.keys(ACCEPTED).sort())
    expect(once.code).toBe(3)
    expect(await accounted(database)).toEqual([])
  })
})
