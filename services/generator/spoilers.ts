import { stringify } from 'csv-stringify/sync'
import { COLUMNS, type Column } from '../contract/event.ts'
import type { RejectReason } from '../contract/reasons.ts'
import type { Row } from './events.ts'
import { draw, pick, type Randomizer } from './random.ts'

/** What a generator can cause by itself; `refused_by_database` takes a user's own constraint. */
export type SpoilReason = Exclude<RejectReason, 'refused_by_database'>

/** The ingestor's default INGEST_MAX_LINE_BYTES: a longer line is rejected for its length alone. */
export const DEFAULT_MAX_LINE_BYTES = 65_536

/** A row to spoil, and an earlier good one for what needs two. */
type Spoiler = (row: Row, random: Randomizer, earlier: Row) => Buffer

const INTEGERS = ['product_id', 'user_id'] as const
const NUMBERS = ['product_id', 'price', 'user_id'] as const
const FOREIGN_NUMBERS = ['0x10', '1e400', 'Infinity', 'NaN', '-0', ' 5', '5 ', '+5', '007', '1_000']
const CONTROLS = ['\x01', '\b', '\t', '\v', '\f', '\x1b[31m', '\x7f', '\u0085']
const NOT_UTF8 = [
  [0xff],
  [0xc3],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0x80],
]

/**
 * One way at least for each reason. A spoiled row breaks one rule only, so that its reason does not
 * depend on the order in which an ingestor looks; none holds a line feed.
 */
export const SPOILERS: Record<SpoilReason, Spoiler> = {
  line_too_long: (row, random) =>
    spoilt(row, 'session_id', 'x'.repeat(DEFAULT_MAX_LINE_BYTES + draw(random, 0, 999))),
  nul_byte: (row, random) => withBytes(row, random, [0]),
  invalid_utf8: (row, random) => withBytes(row, random, pick(random, NOT_UTF8)),
  lone_cr: (row, random) => withBytes(row, random, [13]),
  control_character: (row, random) =>
    raw(row, 'session_id', insertedIn(cell(row, 'session_id'), pick(random, CONTROLS), random)),
  bad_quote: (row, random) => {
    const text = cell(row, 'session_id')
    const stray = [
      `"${text}`,
      `${text}"`,
      insertedIn(text, '"', random),
      `"${text}"x`,
      `"${text}" `,
    ]
    return random.next() < 0.8
      ? raw(row, 'session_id', pick(random, stray))
      : raw(row, 'event_type', '"view')
  },
  column_count: (row, random) => {
    const dropped = draw(random, 0, COLUMNS.length - 1)
    const counts = [
      row.filter((_, index) => index !== dropped),
      [...row, ''],
      [...row, ...row],
      ['not', 'a', 'row'],
      ['#'],
    ]
    return csv(pick(random, counts))
  },
  empty_field: (row, random) => {
    if (random.next() < 0.1) return csv(COLUMNS.map(() => ''))
    return raw(row, pick(random, COLUMNS), pick(random, ['', '""']))
  },
  bad_uuid: (row, random) => {
    const id = cell(row, 'event_id')
    const wrong = [
      id.slice(1),
      `${id}0`,
      `{${id}}`,
      id.replaceAll('-', ''),
      `g${id.slice(1)}`,
      '42',
    ]
    return spoilt(row, 'event_id', pick(random, wrong))
  },
  bad_timestamp: (row, random) => {
    const time = cell(row, 'event_time')
    const [day = '', clock = ''] = time.split(' ')
    const wrong = [
      day,
      clock,
      `${time}Z`,
      `${time}1`,
      `${day} 24:00:00`,
      `${day} 23:59:60`,
      `${day}T12:00:00`,
      `${day}T12:00:00+25:00`,
      `${day.slice(0, 4)}-02-30 12:00:00`,
      '2025-02-29 12:00:00',
      '0000-01-01 00:00:00',
      '1767322923',
      'yesterday',
    ]
    return spoilt(row, 'event_time', pick(random, wrong))
  },
  unknown_event_type: (row, random) =>
    spoilt(
      row,
      'event_type',
      pick(random, ['click', 'refund', 'VIEW', 'views', ' view', 'view ', 'null']),
    ),
  not_a_number: (row, random) =>
    spoilt(
      row,
      pick(random, NUMBERS),
      pick(random, [...FOREIGN_NUMBERS, '\uff11\uff12', '12,5', '1.', '.5', 'twelve']),
    ),
  out_of_range: (row, random) =>
    random.next() < 0.5
      ? spoilt(
          row,
          pick(random, INTEGERS),
          pick(random, ['0', '-1', '2147483648', '99999999999999999999']),
        )
      : spoilt(
          row,
          'price',
          pick(random, ['0', '0.00', '-5.00', '100000000', '123456789.01', '9.999', '1.000']),
        ),
  too_long: (row, random) =>
    spoilt(
      row,
      'session_id',
      pick(random, ['s', '\u00e9', '\u{1f6d2}']).repeat(draw(random, 51, 200)),
    ),
  id_conflict: (_, random, earlier) => {
    const other = pick(random, ['price', ...INTEGERS] as const)
    const value = Number(cell(earlier, other)) + 1
    return spoilt(earlier, other, other === 'price' ? value.toFixed(2) : String(value))
  },
}

/** A line as csv-stringify quotes it, without its end. */
export function csv(fields: readonly string[]): Buffer {
  return Buffer.from(stringify([fields as string[]], { eof: false }))
}

function spoilt(row: Row, column: Column, value: string): Buffer {
  return csv(replaced(row, column, value))
}

/** Leaves out csv-stringify: it would quote, and so mend, what is to be broken. */
function raw(row: Row, column: Column, value: string): Buffer {
  return Buffer.from(replaced(row, column, value).join(','))
}

/** Bytes that no text can hold, or that end a line where they stand last: never at the line's end. */
function withBytes(row: Row, random: Randomizer, bytes: readonly number[]): Buffer {
  const line = csv(row)
  const at = draw(random, 0, line.length - 1)
  return Buffer.concat([line.subarray(0, at), Buffer.from(bytes), line.subarray(at)])
}

function insertedIn(text: string, what: string, random: Randomizer): string {
  const at = draw(random, 1, text.length - 1)
  return text.slice(0, at) + what + text.slice(at)
}

export function replaced(row: Row, column: Column, value: string): string[] {
  return row.with(COLUMNS.indexOf(column), value)
}

function cell(row: Row, column: Column): string {
  return row[COLUMNS.indexOf(column)]!
}
