import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { ingestOnce } from '../ingestor/once.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { makeFile } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { command } from './command.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let database: TestDatabase
let folders: Folders
// Good rows, bad ones, blank lines, duplicates in the file and across two of them.
beforeEach(async () => {
  database = await freshDatabase()
  folders = await freshFolders()
  const first = makeFile({ name: 'a.csv', seed: 71, rows: 300, badPercent: 10, repeatPercent: 10 })
  await folders.drop('a.csv', first.content)
  await folders.drop('b.csv', first.content)
  await ingestOnce(database, folders)
})

const audited = () => command(['audit', '--json'], database, folders)
const breaches = async () => {
  const { jsonLines, code } = await audited()
  return { code, breaches: jsonLines.slice(0, -1) }
}
const aRow = async () =>
  (
    await database.query<{ event_id: string; line_no: number; price: string; file: string }>(
      `select event_id, a.line_no, price, file_name as file from user_activity a
         join ingest_files using (file_id) order by a.line_no offset 40 limit 1`,
    )
  )[0]!

test('finds nothing where nothing is wrong', async () => {
  expect(await audited()).toMatchObject({
    code: 0,
    jsonLines: [{ summary: { files: 2, breaches: 0 } }],
  })
})

test('finds a row that was deleted by hand', async () => {
  const row = await aRow()
  await database.query('delete from user_activity where event_id = $1', [row.event_id])
  const { code, breaches: found } = await breaches()
  expect(code).toBe(1)
  expect(found).toContainEqual({
    file: row.file,
    line: row.line_no,
    message: `event_id ${row.event_id} is not in user_activity`,
  })
  expect(found).toContainEqual({
    file: row.file,
    line: null,
    message: expect.stringMatching(/^rows loaded: \d+ expected, \d+ found$/),
  })
})

test('finds a row that was changed by a cent', async () => {
  const row = await aRow()
  await database.query('update user_activity set price = price + 0.01 where event_id = $1', [
    row.event_id,
  ])
  const changed = await database.value('select price from user_activity where event_id = $1', [
    row.event_id,
  ])
  const { code, breaches: found } = await breaches()
  expect(code).toBe(1)
  expect(found).toContainEqual({
    file: row.file,
    line: row.line_no,
    message: `price: the file says ${row.price}, the table ${changed}`,
  })
})

test.each([
  [
    'a moment moved by a microsecond',
    `update user_activity set event_time = event_time + interval '1 us' where event_id = $1`,
    /^event_time: the file says/,
  ],
  [
    'a row that no line brought',
    `insert into user_activity select gen_random_uuid(), event_time, event_type, product_id, price, user_id, session_id, file_id, 999999 from user_activity where event_id = $1`,
    /^rows loaded: /,
  ],
  [
    'a reject that was deleted',
    `delete from user_activity_errors where error_id = (select min(error_id) from user_activity_errors) and $1::uuid is not null`,
    /neither loaded nor kept/,
  ],
  [
    'a reject that no line brought',
    `insert into user_activity_errors (file_id, line_no, byte_offset, reason, error_message, raw_line)
     select file_id, 999999, 1, reason, error_message, raw_line from user_activity_errors where $1::uuid is not null order by error_id limit 1`,
    /^rows rejected: \d+ expected, \d+ found$/,
  ],
  [
    'a kept line that was altered',
    `update user_activity_errors set raw_line = raw_line || 'x' where error_id = (select min(error_id) from user_activity_errors) and $1::uuid is not null`,
    /not those of the file/,
  ],
])('finds %s', async (_, sql, message) => {
  const row = await aRow()
  await database.query(sql, [row.event_id])
  const { code, breaches: found } = await breaches()
  expect(code).toBe(1)
  expect(found.map(({ message }) => message)).toContainEqual(expect.stringMatching(message))
})

test('finds an archived file that grew, and one that is gone', async () => {
  await appendFile(join(folders.archive, 'a.csv'), 'x\n')
  await rm(join(folders.archive, 'b.csv'))
  const { code, stdout } = await command(['audit'], database, folders)
  expect(code).toBe(1)
  expect(stdout).toMatch(/^a\.csv: bytes: \d+ expected, \d+ found$/m)
  expect(stdout).toMatch(/^a\.csv: lines: \d+ expected, \d+ found$/m)
  expect(stdout).toMatch(/^b\.csv: nothing can be proved: it is not in /m)
})
