import { beforeAll, describe, expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { HEADER } from './claimed.ts'
import { idOf, write } from './lines.ts'
import { accounted, ingestOnce, type Once } from './once.ts'

const LIMIT = 1_024

type Fields = Partial<
  Record<'id' | 'time' | 'type' | 'product' | 'price' | 'user' | 'session', string>
>
const textOf = (n: number, over: Fields) =>
  [
    over.id ?? idOf(n),
    over.time ?? '2026-01-02 07:15:22',
    over.type ?? 'view',
    over.product ?? '178',
    over.price ?? '393.89',
    over.user ?? '3804',
    over.session ?? `session-${n}`,
  ].join(',')

const UUID = 'event_id: expected a UUID such as 018f4e9a-7c1b-7cc3-9a51-0242ac120002, found'
const TIME =
  'event_time: expected YYYY-MM-DD HH:MM:SS[.ffffff] (taken as UTC), or ISO 8601 with Z or an offset, found'
const TYPE = 'event_type: expected view or purchase, found'
const PRODUCT = 'product_id: expected a whole number from 1 to 2147483647, found'
const PRICE =
  'price: expected a decimal above 0 with at most 8 digits before and 2 after the point, found'
const USER = 'user_id: expected a whole number from 1 to 2147483647, found'
const SESSION = 'session_id: expected 1 to 50 characters, none of them a control character, found'
const QUOTES = 'expected fields quoted as in RFC 4180, found'

type Case = [
  fault: string,
  reason: string,
  column: string | null,
  over: Fields | ((n: number) => Buffer),
  message: string,
]
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map(part => Buffer.from(part as string)))

const REJECTED: Case[] = [
  [
    '53: a byte of Latin-1',
    'invalid_utf8',
    null,
    n => bytes(textOf(n, { session: 'caf' }), [0xe9], 's'),
    'byte 82 of the line: expected UTF-8, found other bytes',
  ],
  [
    '53: a character cut short',
    'invalid_utf8',
    null,
    n => bytes(textOf(n, { session: 'a' }), [0xf0, 0x9f]),
    'byte 80 of the line: expected UTF-8, found other bytes',
  ],
  [
    '54: a NUL byte',
    'nul_byte',
    null,
    n => bytes(textOf(n, { session: 'a\0b' })),
    'byte 80 of the line: expected no NUL byte, found one',
  ],
  [
    '55: a line over the limit',
    'line_too_long',
    null,
    () => Buffer.alloc(LIMIT + 1, 'x'),
    `expected a line of at most ${LIMIT} bytes, found ${LIMIT + 1}; only its first ${LIMIT} bytes are kept here`,
  ],
  ['56: a column too many', 'column_count', null, { session: 'a,b' }, 'expected 7 fields, found 8'],
  ['56: columns too few', 'column_count', null, () => bytes('a,b'), 'expected 7 fields, found 2'],
  ['56: a space alone', 'column_count', null, () => bytes(' '), 'expected 7 fields, found 1'],
  [
    '57: an unclosed quote',
    'bad_quote',
    null,
    { session: '"abc' },
    `${QUOTES} a quote that is never closed`,
  ],
  [
    '57: a stray quote',
    'bad_quote',
    null,
    { session: 'ab"c' },
    `${QUOTES} a quote inside a field that does not begin with one, or text after a closing one`,
  ],
  ['58: an empty id', 'empty_field', 'event_id', { id: '' }, `${UUID} ""`],
  ['58: an empty time', 'empty_field', 'event_time', { time: '' }, `${TIME} ""`],
  ['58: an empty type', 'empty_field', 'event_type', { type: '' }, `${TYPE} ""`],
  ['58: an empty product', 'empty_field', 'product_id', { product: '' }, `${PRODUCT} ""`],
  ['58: an empty price', 'empty_field', 'price', { price: '' }, `${PRICE} ""`],
  ['58: an empty user', 'empty_field', 'user_id', { user: '' }, `${USER} ""`],
  ['58: an empty session', 'empty_field', 'session_id', { session: '""' }, `${SESSION} ""`],
  [
    '58: all fields empty',
    'empty_field',
    'event_id',
    () => bytes(',,,,,,'),
    `${UUID} ""; ${TIME} ""; ${TYPE} ""; ${PRODUCT} ""; ${PRICE} ""; ${USER} ""; ${SESSION} ""`,
  ],
  ...['0x10', 'Infinity', 'NaN', '-0', ' 5', '+5', '１２', '1e3'].map(
    (found): Case => [
      '59: a product that is no plain number',
      'not_a_number',
      'product_id',
      { product: found },
      `${PRODUCT} "${found}"`,
    ],
  ),
  ...['0x10', '1e400', 'Infinity', 'NaN', '-0', ' 5', '+5', '１２', '.5', '1.'].map(
    (found): Case => [
      '59: a price that is no plain number',
      'not_a_number',
      'price',
      { price: found },
      `${PRICE} "${found}"`,
    ],
  ),
  ...[
    '2024-02-30 00:00:00',
    '2026-01-02',
    '0000-01-01 00:00:00',
    '2026-01-02 24:00:00',
    '2016-12-31 23:59:60',
    '2026-01-02T07:15:22+25:00',
  ].map(
    (found): Case => [
      '60: a moment that is none',
      'bad_timestamp',
      'event_time',
      { time: found },
      `${TIME} "${found}"`,
    ],
  ),
  [
    '61: an unknown type',
    'unknown_event_type',
    'event_type',
    { type: 'unknown_event' },
    `${TYPE} "unknown_event"`,
  ],
  ['61: a bad id', 'bad_uuid', 'event_id', { id: 'not-a-uuid' }, `${UUID} "not-a-uuid"`],
  [
    '62: an integer too large',
    'out_of_range',
    'user_id',
    { user: '2147483648' },
    `${USER} "2147483648"`,
  ],
  ['62: an integer below one', 'out_of_range', 'product_id', { product: '0' }, `${PRODUCT} "0"`],
  [
    '62: a price too large',
    'out_of_range',
    'price',
    { price: '100000000' },
    `${PRICE} "100000000"`,
  ],
  ['62: a third decimal', 'out_of_range', 'price', { price: '1.001' }, `${PRICE} "1.001"`],
  ['62: a price below zero', 'out_of_range', 'price', { price: '-50.0' }, `${PRICE} "-50.0"`],
  ['62: a price of zero', 'out_of_range', 'price', { price: '0.00' }, `${PRICE} "0.00"`],
  [
    '63: a lone CR',
    'lone_cr',
    null,
    { session: 'a\rb' },
    'byte 80 of the line: expected no control character, found "\\r"',
  ],
  [
    '64: a tab',
    'control_character',
    null,
    { session: 'a\tb' },
    'byte 80 of the line: expected no control character, found "\\t"',
  ],
  [
    '64: an escape',
    'control_character',
    null,
    { session: '\u001b[2J' },
    'byte 79 of the line: expected no control character, found "\\u001b"',
  ],
  [
    '64: a control character beyond ASCII',
    'control_character',
    'session_id',
    { session: 'a\u009b' },
    `${SESSION} "a\\u009b"`,
  ],
  [
    '62: a session of 51 characters',
    'too_long',
    'session_id',
    { session: '😀'.repeat(51) },
    `${SESSION} "${'😀'.repeat(40)}"… (102 characters)`,
  ],
  [
    'several faults at once',
    'bad_uuid',
    'event_id',
    { id: 'x', type: 'sale', price: '-1' },
    `${UUID} "x"; ${TYPE} "sale"; ${PRICE} "-1"`,
  ],
]

const ACCEPTED: [what: string, written: Fields, stored: Record<string, unknown>][] = [
  [
    '68: quoted fields',
    { session: '"a, b"', type: '"purchase"' },
    { session_id: 'a, b', event_type: 'purchase' },
  ],
  ['68: doubled quotes', { session: '"a ""b"" c"""' }, { session_id: 'a "b" c"' }],
  ['70: a formula', { session: "=cmd|' /C calc'!A0" }, { session_id: "=cmd|' /C calc'!A0" }],
  [
    '70: an injection',
    { session: "'; DROP TABLE user_activity; --" },
    { session_id: "'; DROP TABLE user_activity; --" },
  ],
  ["70: the end of COPY's data", { session: '\\.' }, { session_id: '\\.' }],
  ["70: COPY's null", { session: '\\N' }, { session_id: '\\N' }],
  ['70: a quoted \\.', { session: '"\\."' }, { session_id: '\\.' }],
  ['70: backslashes', { session: 'a\\\\b\\' }, { session_id: 'a\\\\b\\' }],
  ['spaces at both ends', { session: '  a  ' }, { session_id: '  a  ' }],
  ['a BOM in the middle', { session: '\ufeffa' }, { session_id: '\ufeffa' }],
  ['a line separator of Unicode', { session: 'a\u2028b' }, { session_id: 'a\u2028b' }],
  ['50 characters of four bytes', { session: '😀'.repeat(50) }, { session_id: '😀'.repeat(50) }],
  [
    'an offset',
    { time: '2026-01-02T07:15:22.123456+05:30' },
    { event_time: '2026-01-02 01:45:22.123456+00' },
  ],
  [
    '29 February',
    { time: '2024-02-29 23:59:59.999999' },
    { event_time: '2024-02-29 23:59:59.999999+00' },
  ],
  ['year 1', { time: '0001-01-01 00:00:00' }, { event_time: '0001-01-01 00:00:00+00' }],
  [
    'year 9999',
    { time: '9999-12-31 23:59:59.999999' },
    { event_time: '9999-12-31 23:59:59.999999+00' },
  ],
  [
    'the largest numbers',
    { product: '2147483647', user: '2147483647', price: '99999999.99' },
    { product_id: 2147483647, user_id: 2147483647, price: '99999999.99' },
  ],
  [
    'the smallest numbers',
    { product: '1', user: '1', price: '0.01' },
    { product_id: 1, user_id: 1, price: '0.01' },
  ],
  [
    'an id in capitals',
    { id: '018F4E9A-7C1B-7CC3-9A51-FFFFFFFFFFFF' },
    { event_id: '018f4e9a-7c1b-7cc3-9a51-ffffffffffff' },
  ],
]

// Between two of them there is always a good neighbour, and the line ends are mixed.
const neighbour = (n: number) =>
  ({ bytes: Buffer.from(textOf(n, {})), end: '\n', fate: 'accepted' }) as const
const written = write(`\ufeff${HEADER}\r\n`, [
  ...REJECTED.flatMap(([, , , over], index) => [
    neighbour(2 * index),
    {
      bytes:
        typeof over === 'function' ? over(2 * index + 1) : Buffer.from(textOf(2 * index + 1, over)),
      end: index % 2 ? ('\r\n' as const) : ('\n' as const),
      fate: 'blank' as const,
    },
  ]),
  { bytes: Buffer.alloc(0), end: '\n', fate: 'blank' },
  { bytes: Buffer.alloc(0), end: '\r\n', fate: 'blank' },
  ...ACCEPTED.map(([, fields], index) => ({
    bytes: Buffer.from(textOf(1_000 + index, fields)),
    end: index % 2 ? ('\r\n' as const) : ('\n' as const),
    fate: 'accepted' as const,
  })),
  // 67: no line end at the end of the file.
  { ...neighbour(2_000), end: '' },
])

let database: TestDatabase
let once: Once
beforeAll(async () => {
  database = await freshDatabase()
  const folders = await freshFolders()
  await folders.drop('rows.csv', written.content)
  once = await ingestOnce(database, folders, { env: { INGEST_MAX_LINE_BYTES: String(LIMIT) } })
})

describe('one bad line costs one line', () => {
  test.each(REJECTED.map((row, index) => [row[0], row[1], index] as const))(
    '%s: %s',
    async (_, reason, index) => {
      const [, , column, , message] = REJECTED[index]!
      const line = written.lines[2 * index + 1]!
      expect(
        await database.query(
          `select line_no, byte_offset, reason, column_name, error_message, raw_line
             from user_activity_errors where line_no = $1`,
          [line.lineNo],
        ),
      ).toEqual([
        {
          line_no: line.lineNo,
          byte_offset: line.offset,
          reason,
          column_name: column,
          error_message: message,
          raw_line: line.bytes.subarray(0, LIMIT),
        },
      ])
      const { content } = written
      expect(content.subarray(line.offset, line.offset + line.bytes.length)).toEqual(line.bytes)
    },
  )

  test('53-64: and its neighbours load', async () => {
    const loaded = await database.query<{ session_id: string }>(
      'select session_id from user_activity where session_id like $1',
      ['session-%'],
    )
    const sessions = new Set(loaded.map(row => row.session_id))
    for (let index = 0; index < REJECTED.length; index++)
      expect(sessions).toContain(`session-${2 * index}`)
  })
})

describe('accepted as it stands', () => {
  test.each(ACCEPTED.map(([what, , stored], index) => [what, stored, index] as const))(
    '%s',
    async (_, stored, index) => {
      const lineNo = written.lines.at(-1 - ACCEPTED.length + index)!.lineNo
      const rows = await database.query('select * from user_activity where line_no = $1', [lineNo])
      expect(rows).toEqual([expect.objectContaining(stored)])
    },
  )

  test('66 and 67: mixed line ends, none at the end: no value holds a CR', async () => {
    expect(
      await database.value('select count(*) from user_activity where session_id ~ $1', ['\r']),
    ).toBe(0)
    expect(
      await database.value('select session_id from user_activity where line_no = $1', [
        written.lines.at(-1)!.lineNo,
      ]),
    ).toBe('session-2000')
  })
})

test('every line is accounted for, in the tables and in the summary', async () => {
  const loaded = REJECTED.length + ACCEPTED.length + 1
  expect(await accounted(database)).toEqual([])
  expect(
    await database.query(
      'select status, line_no, lines_blank, rows_loaded, rows_rejected, byte_offset from ingest_files',
    ),
  ).toEqual([
    {
      status: 'done',
      line_no: written.lines.length + 1,
      lines_blank: 2,
      rows_loaded: loaded,
      rows_rejected: REJECTED.length,
      byte_offset: written.content.length,
    },
  ])
  expect(once).toMatchObject({
    code: 0,
    stderr: '',
    summary: {
      rows: { read: loaded + REJECTED.length, loaded, duplicate: 0, rejected: REJECTED.length },
    },
  })
  const sum = Object.values(once.summary.rejects).reduce((a, b) => a + b)
  expect(sum).toBe(REJECTED.length)
})
