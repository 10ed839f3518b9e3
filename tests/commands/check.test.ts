import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { idOf } from '../ingestor/lines.ts'
import { ingestOnce } from '../ingestor/once.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { freshDatabase } from '../support/postgres.ts'
import { command } from './command.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'
const LIMIT = 400
const rest = '2026-01-02 07:15:22,view,178,393.89,3804,'
const good = (n: number) => `${idOf(n)},${rest}s`
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map(part => Buffer.from(part as string)))
/** Where the second field begins, and the last one. */
const ID = idOf(0).length + 2
const SESSION = idOf(0).length + 1 + rest.length + 1

/** One line of each fault of the catalogue, rows 53 to 72, with what `check` must name. */
const FAULTS: [row: string, line: Buffer, column: number, reason: string, message: RegExp][] = [
  [
    '53',
    bytes(idOf(1), `,${rest}café`.slice(0, -1), [0xe9]),
    SESSION + 3,
    'invalid_utf8',
    /byte 82 .*expected UTF-8, found/,
  ],
  [
    '54',
    bytes(`${idOf(2)},${rest}a\0b`),
    SESSION + 1,
    'nul_byte',
    /expected no NUL byte, found one/,
  ],
  ['55', Buffer.alloc(LIMIT + 1, 'x'), 1, 'line_too_long', /at most 400 bytes, found 401/],
  ['56 more', bytes(`${good(3)},more`), SESSION + 2, 'column_count', /expected 7 fields, found 8/],
  ['56 fewer', bytes('a,b'), 4, 'column_count', /expected 7 fields, found 2/],
  [
    '57 unclosed',
    bytes(`${idOf(4)},${rest}"abc`),
    SESSION,
    'bad_quote',
    /found a quote that is never closed/,
  ],
  [
    '57 stray',
    bytes(`${idOf(5)},${rest}é"c`),
    SESSION + 1,
    'bad_quote',
    /found a quote inside a field/,
  ],
  [
    '57 after',
    bytes(`${idOf(5)},${rest}"a"c`),
    SESSION + 3,
    'bad_quote',
    /text after a closing one/,
  ],
  [
    '58',
    bytes(`${idOf(6)},,view,178,1,2,s`),
    ID,
    'empty_field',
    /event_time: expected .*, found ""/,
  ],
  [
    '59',
    bytes(`${idOf(7)},2026-01-02 07:15:22,view,0x10,1,2,s`),
    63,
    'not_a_number',
    /product_id: .* found "0x10"/,
  ],
  [
    '59 wide',
    bytes(`${idOf(7)},2026-01-02 07:15:22,view,１,1,2,s`),
    63,
    'not_a_number',
    /product_id: .* found "１"/,
  ],
  [
    '60',
    bytes(`${idOf(8)},2024-02-30 00:00:00,view,1,1,2,s`),
    ID,
    'bad_timestamp',
    /found "2024-02-30 00:00:00"/,
  ],
  [
    '61 type',
    bytes(`${idOf(9)},2026-01-02 07:15:22,sale,1,1,2,s`),
    58,
    'unknown_event_type',
    /view or purchase, found "sale"/,
  ],
  ['61 id', bytes(`nope,${rest}s`), 1, 'bad_uuid', /event_id: expected a UUID .*, found "nope"/],
  [
    '62',
    bytes(`"${idOf(10)}","2026-01-02 07:15:22",view,1,1.001,2,s`),
    69,
    'out_of_range',
    /price: .* found "1.001"/,
  ],
  ['63', bytes(`${idOf(11)},${rest}a\rb`), SESSION + 1, 'lone_cr', /found "\\r"/],
  ['64', bytes(`${idOf(12)},${rest}a\tb`), SESSION + 1, 'control_character', /found "\\t"/],
  [
    '71',
    bytes(`${idOf(13)},2026-01-02 07:15:22,view,13,1,2,s`),
    1,
    'refused_by_database',
    /violates check constraint "not_13"/,
  ],
  [
    '72 conflict',
    bytes(`${idOf(901)},${rest}other`),
    1,
    'id_conflict',
    /already loaded from faults.csv line \d+ with another session_id/,
  ],
]

// 65 to 68 and 70: a BOM, mixed line ends, none at the end, quotes, and text that looks like more.
const ACCEPTED = [
  `"${idOf(902)}","2026-01-02 07:15:22","view","1","9","2"," a ""b"", c"`,
  `${idOf(903)},${rest}=cmd|' /C calc'!A0`,
  `${idOf(904)},${rest}'; DROP TABLE user_activity; --`,
  `${idOf(905)},${rest}\\.`,
]

const content = Buffer.concat([
  bytes(`\ufeff${HEADER}\r\n`),
  bytes(`${good(901)}\n`, `${good(901)}\r\n`),
  ...FAULTS.flatMap(([, line], index) => [line, bytes(index % 2 ? '\r\n' : '\n')]),
  bytes('\n', ACCEPTED.join('\r\n')),
])
const lineOf = (index: number) => 4 + index

const prepared = async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await database.query('alter table user_activity add constraint not_13 check (product_id <> 13)')
  const path = join(folders.temp, 'faults.csv')
  await writeFile(path, content)
  return { database, folders, path }
}
const limits = { INGEST_MAX_LINE_BYTES: String(LIMIT) }

test('one of every fault: each named by line, column, expected and found, and nothing is loaded', async () => {
  const { database, folders, path } = await prepared()
  const { code, stdout } = await command(['check', path], database, folders, limits)
  const lines = stdout.trimEnd().split('\n')
  for (const [index, [row, , column, reason, message]] of FAULTS.entries()) {
    const place = `${path}:${lineOf(index)}:`
    expect(lines[index], `row ${row}`).toMatch(new RegExp(`^${place}${column}: ${reason}: `))
    expect(lines[index], `row ${row}`).toMatch(message)
  }
  expect(lines.slice(FAULTS.length)).toEqual([
    `1 file, ${FAULTS.length + 6} rows, 5 good, 1 duplicate, ${FAULTS.length} rejected`,
  ])
  expect(code).toBe(3)
  expect(stdout).not.toContain('\u001b')
  expect(await database.query('select 1 from user_activity')).toEqual([])
  expect(await database.query('select 1 from ingest_files')).toEqual([])
})

test('the same verdicts as run', async () => {
  const { database, folders, path } = await prepared()
  const checked = await command(['check', '--json', path], database, folders, limits)
  const findings = checked.jsonLines.slice(0, -1)
  await folders.drop('faults.csv', content)
  await ingestOnce(database, folders, { env: limits })
  // PostgreSQL quotes the row that it refused, with the file's number and the time.
  const comparable = (rows: Record<string, unknown>[]) =>
    rows.map(({ line, reason, field, message }) => ({
      ...{ line, reason, field },
      message: String(message).replace(/, \d+, \d+, [^,]+\)\.\)/, ')'),
    }))
  expect(comparable(findings)).toEqual(
    comparable(
      await database.query(
        'select line_no as line, reason, column_name as field, error_message as message from user_activity_errors order by line_no',
      ),
    ),
  )
  expect(checked.jsonLines.at(-1)).toEqual({
    summary: {
      files: 1,
      refused: 0,
      rows: FAULTS.length + 6,
      good: 5,
      duplicates: 1,
      rejected: FAULTS.length,
    },
  })
  expect(
    await database.query('select rows_loaded, rows_duplicate, rows_rejected from ingest_files'),
  ).toEqual([{ rows_loaded: 5, rows_duplicate: 1, rows_rejected: FAULTS.length }])
})

test('without a database the schema alone judges, and that is said', async () => {
  const { folders, path } = await prepared()
  const nowhere = { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: '1', ...limits }
  const { code, stdout, stderr } = await command(['check', path], null, folders, nowhere)
  expect(stderr).toBe(
    'note: duplicates and constraints are not checked: the database cannot be asked (ECONNREFUSED)\n',
  )
  expect(stdout).toContain(`${FAULTS.length - 2} rejected`)
  expect(stdout).not.toContain('refused_by_database')
  expect(code).toBe(3)
})

test.each<[string, string, (folders: Folders) => Promise<string>, RegExp, number]>([
  [
    '69 a header with an unknown column',
    'bad_header',
    async ({ temp }) => {
      await writeFile(join(temp, 'a.csv'), `${HEADER},extra\n`)
      return join(temp, 'a.csv')
    },
    /a\.csv:1:1: bad_header: expected a header with the columns .*unknown: "extra"/,
    3,
  ],
  [
    'a name that is not accepted',
    'bad_name',
    async ({ temp }) => {
      await writeFile(join(temp, 'a.txt'), HEADER)
      return join(temp, 'a.txt')
    },
    /a\.txt:1:1: bad_name: /,
    3,
  ],
  [
    'a link',
    'not_regular_file',
    async ({ temp }) => {
      await symlink('/etc/hostname', join(temp, 'link.csv'))
      return join(temp, 'link.csv')
    },
    /link\.csv:1:1: not_regular_file: /,
    3,
  ],
  ['no file', 'missing', async ({ temp }) => join(temp, 'no.csv'), /no\.csv:1:1: missing: /, 1],
])('%s is %s', async (_, __, make, message, expected) => {
  const folders = await freshFolders()
  const path = await make(folders)
  const { code, stdout } = await command(['check', '--no-database', path], null, folders)
  expect(stdout).toMatch(message)
  expect(code).toBe(expected)
})

test('a good file in another order of columns ends with 0', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const order = HEADER.split(',').reverse()
  const path = join(folders.temp, 'turned.csv')
  await writeFile(path, `${order.join(',')}\n${good(1).split(',').reverse().join(',')}\n`)
  const { code, stdout } = await command(['check', path], database, folders)
  expect(stdout).toBe('1 file, 1 row, 1 good, 0 duplicates, 0 rejected\n')
  expect(code).toBe(0)
  expect(await readFile(path, 'utf8')).toContain('session_id')
})
