import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { expect, test, vi } from 'vitest'
import { idOf } from '../ingestor/lines.ts'
import { ingestOnce } from '../ingestor/once.ts'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { command } from './command.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'
const row = (n: number, price = '9.99', session = 's') =>
  `${idOf(n)},2026-01-02 07:15:22,view,${n},${price},2,${session}`
const fileOf = (...rows: string[]) => `${[HEADER, ...rows].join('\n')}\n`

const counters = (database: TestDatabase) =>
  database.query(
    'select file_name, rows_loaded, rows_duplicate, rows_rejected from ingest_files order by file_id',
  )

test('rejected, exported, mended, dropped: loaded, and the reject is resolved by itself', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const ingestor = startIngestor(database, folders)
  await ingestor.waitForLog('ready')
  await folders.drop('a.csv', fileOf(row(1), row(2, 'free'), row(3, '-1'), row(4)))
  const open = () =>
    database.value<number>('select count(*) from user_activity_errors where resolved_at is null')
  await until('two rejects', async () => (await open()) === 2)

  const output = join(folders.temp, 'mend.csv')
  const args = ['errors', 'export', '--droppable', '--reason', 'not_a_number', '--output', output]
  const exported = await command(args, database, folders)
  expect(exported).toMatchObject({ code: 0, stderr: `1 line written to ${output}\n` })
  const text = await readFile(output, 'utf8')
  expect(text).toBe(fileOf(row(2, 'free')))

  await folders.drop('mended.csv', text.replace('free', '5.00'))
  await until('one of them resolved', async () => (await open()) === 1)
  expect(
    await database.value('select price from user_activity where event_id = $1', [idOf(2)]),
  ).toBe('5.00')
  expect(await counters(database)).toEqual([
    { file_name: 'a.csv', rows_loaded: 2, rows_duplicate: 1, rows_rejected: 1 },
    { file_name: 'mended.csv', rows_loaded: 1, rows_duplicate: 0, rows_rejected: 0 },
  ])
  expect(await database.query('select * from ingest_discrepancies')).toEqual([])
  expect(
    await database.query('select reason, open, resolved from ingest_rejects_by_reason'),
  ).toEqual([
    { reason: 'out_of_range', open: 1, resolved: 0 },
    { reason: 'not_a_number', open: 0, resolved: 1 },
  ])
  expect(await ingestor.stop()).toMatchObject({ code: 0 })
})

test('retry loads what passes today, at its place, and leaves what does not', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await database.query('alter table user_activity add constraint low check (product_id < 3)')
  await folders.drop('a.csv', fileOf(row(1), row(3), row(5), row(4, 'free'), row(2)))
  await ingestOnce(database, folders)
  expect(await counters(database)).toEqual([
    { file_name: 'a.csv', rows_loaded: 2, rows_duplicate: 0, rows_rejected: 3 },
  ])
  await database.query('alter table user_activity drop constraint low')
  await database.query('alter table user_activity add constraint low check (product_id < 5)')

  const { code, json } = await command(['errors', 'retry', '--json'], database, folders)
  expect(json).toEqual({ looked: 3, loaded: 1, duplicate: 0, mended: 0, left: 2 })
  expect(code).toBe(0)
  expect(
    await database.query('select product_id, line_no from user_activity order by line_no'),
  ).toEqual([
    { product_id: 1, line_no: 2 },
    { product_id: 3, line_no: 3 },
    { product_id: 2, line_no: 6 },
  ])
  expect(await counters(database)).toEqual([
    { file_name: 'a.csv', rows_loaded: 3, rows_duplicate: 0, rows_rejected: 2 },
  ])
  expect(await database.query('select * from ingest_discrepancies')).toEqual([])
  const again = await command(['errors', 'retry', '--json'], database, folders)
  expect(again.json).toMatchObject({ looked: 2, loaded: 0, left: 2 })
  expect((await command(['audit'], database, folders)).stdout).toContain(
    'every line is accounted for',
  )
})

test('a conflict stays rejected until the row in its way is gone', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop('a.csv', fileOf(row(1), row(1, '5.00'), row(2)))
  await ingestOnce(database, folders)
  expect((await command(['errors', 'retry', '--json'], database, folders)).json).toMatchObject({
    loaded: 0,
    left: 1,
  })
  await database.query('delete from user_activity where line_no = 2')
  expect((await command(['errors', 'retry', '--json'], database, folders)).json).toMatchObject({
    loaded: 1,
    left: 0,
  })
})

test('a conflict is not mended by the row that it conflicts with, whenever that one came', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop('a.csv', fileOf(row(1)))
  await ingestOnce(database, folders)
  await folders.drop('b.csv', fileOf(row(1, '5.00')))
  await ingestOnce(database, folders)
  await database.query('delete from user_activity')
  await folders.drop('c.csv', fileOf(row(1)))
  await ingestOnce(database, folders)
  expect((await command(['errors', 'retry', '--json'], database, folders)).json).toMatchObject({
    mended: 0,
    left: 1,
  })
})

test('a report is CSV with the reasons, and no cell of it is a formula', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop(
    'a.csv',
    fileOf(
      row(1, 'free', "=cmd|' /C calc'!A0"),
      row(2, '-1', '@SUM(A1)'),
      '+one,"two',
      row(3, 'x', '"a, ""b"""'),
    ),
  )
  await ingestOnce(database, folders)
  const { stdout, code } = await command(['errors', 'export'], database, folders)
  const rows: Record<string, string>[] = parse(stdout, { columns: true })
  expect(
    rows.map(({ price, session_id, reason, line_no }) => [price, session_id, reason, line_no]),
  ).toEqual([
    ['free', "'=cmd|' /C calc'!A0", 'not_a_number', '2'],
    ["'-1", "'@SUM(A1)", 'out_of_range', '3'],
    ['', '', 'bad_quote', '4'],
    ['x', 'a, "b"', 'not_a_number', '5'],
  ])
  expect(rows[2]!.raw_line).toBe(`'+one,"two`)
  for (const cell of rows.flatMap(row => Object.values(row)))
    expect(cell).not.toMatch(/^[=+\-@\t\r]/)
  expect(code).toBe(0)
  const droppable = await command(['errors', 'export', '--droppable'], database, folders)
  expect(droppable.stdout.split('\n').slice(0, 5)).toEqual(
    fileOf(
      row(1, 'free', "=cmd|' /C calc'!A0"),
      row(2, '-1', '@SUM(A1)'),
      '+one,"two',
      row(3, 'x', '"a, ""b"""'),
    )
      .split('\n')
      .slice(0, 5),
  )
  expect(droppable.stderr).toMatch(/3 cells .* would be a formula in a spreadsheet/)
})

test('a list shows what somebody wrote without obeying it', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop('a.csv', fileOf(row(1, '9.99', '\u001b[2Jgone')))
  await ingestOnce(database, folders)
  const { stdout } = await command(['errors', 'list'], database, folders)
  expect(stdout).toContain('a.csv:2: control_character: ')
  expect(stdout).toContain('\\u001b[2Jgone')
  expect(stdout).not.toContain('\u001b')
  const { json } = await command(['errors', 'list', '--json'], database, folders)
  expect(json).toMatchObject([{ fileName: 'a.csv', lineNo: 2, reason: 'control_character' }])
})
