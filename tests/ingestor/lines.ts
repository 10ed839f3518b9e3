import fc from 'fast-check'
import type { RejectReason } from '../../services/contract/reasons.ts'
import { HEADER } from './claimed.ts'

/** What must become of one line. */
export type Fate = 'accepted' | 'blank' | RejectReason

export interface WrittenLine {
  bytes: Buffer
  end: '' | '\n' | '\r\n'
  fate: Fate
}

export interface WrittenFile {
  content: Buffer
  /** The header is not among them: the first is line 2. */
  lines: (WrittenLine & { lineNo: number; offset: number })[]
}

/** A good id of its own for each number. */
export function idOf(number: number): string {
  return `018f4e9a-7c1b-7cc3-9a51-${number.toString(16).padStart(12, '0')}`
}

const line = (fate: Fate, text: string | Buffer) => ({ bytes: Buffer.from(text), fate })
const rest = '2026-01-02 07:15:22,view,1,9.99,2,'

/** Lines of every kind, with a fate that is plain to see; `n` makes their ids differ. */
const KINDS: readonly ((n: number) => { bytes: Buffer; fate: Fate })[] = [
  n => line('accepted', `${idOf(n)},${rest}sess-${n}`),
  n =>
    line(
      'accepted',
      `${idOf(n)},2024-02-29T23:59:59.5+05:30,purchase,2147483647,0.01,1,"a ""b"", c"`,
    ),
  n =>
    line(
      'accepted',
      `"${idOf(n).toUpperCase()}","2026-01-02 07:15:22","view","1","9","2"," é€😀\u2028 "`,
    ),
  n => line('accepted', `${idOf(n)},${rest}=cmd|' /C calc'!A0\\N`),
  n => line('accepted', `${idOf(n)},${rest}\\.`),
  n => line('column_count', `${idOf(n)},${rest}a,b`),
  () => line('column_count', '\ufeff'),
  n => line('bad_quote', `${idOf(n)},${rest}"never closed`),
  n => line('bad_quote', `${idOf(n)},${rest}in"side`),
  n =>
    line('invalid_utf8', Buffer.concat([Buffer.from(`${idOf(n)},${rest}a`), Buffer.from([0xc3])])),
  n => line('nul_byte', `${idOf(n)},${rest}a\0b`),
  n => line('lone_cr', `${idOf(n)},${rest}a\rb`),
  n => line('control_character', `${idOf(n)},${rest}a\tb`),
  n => line('out_of_range', `${idOf(n)},2026-01-02 07:15:22,view,0,9.99,2,s`),
  n => line('empty_field', `${idOf(n)},${rest}`),
]

const shortLine = fc.nat({ max: KINDS.length - 1 }).map(kind => (n: number) => KINDS[kind]!(n))

/** A line of `size` bytes under a limit of `limit`. */
const sizedLine = (limit: number, size: fc.Arbitrary<number>) =>
  size.map(
    bytes => () => line(bytes > limit ? 'line_too_long' : 'column_count', Buffer.alloc(bytes, 'x')),
  )

const lineEnd = fc.constantFrom('\n' as const, '\n' as const, '\r\n' as const)

/** Whole files whose every line has a known fate, under a limit of `limit` bytes a line. */
export function files(limit: number, maxLines: number): fc.Arbitrary<WrittenFile> {
  const lineOf = fc.oneof(
    { weight: 20, arbitrary: shortLine },
    { weight: 2, arbitrary: fc.constant(() => line('blank', '')) },
    { weight: 4, arbitrary: sizedLine(limit, fc.integer({ min: limit - 2, max: limit + 3 })) },
    { weight: 2, arbitrary: sizedLine(limit, fc.integer({ min: limit, max: 3 * limit })) },
    { weight: 1, arbitrary: sizedLine(limit, fc.integer({ min: 8_000, max: 40_000 })) },
  )
  return fc
    .tuple(
      fc.boolean(),
      lineEnd,
      fc.array(fc.tuple(lineOf, lineEnd), { maxLength: maxLines }),
      fc.option(shortLine, { nil: null }),
    )
    .map(([bom, headerEnd, lines, last]) =>
      write(
        `${bom ? '\ufeff' : ''}${HEADER}${headerEnd}`,
        lines
          .map(([make, end], index) => ({ ...make(index), end }))
          .concat(last ? [{ ...last(maxLines), end: '' as never }] : []),
      ),
    )
}

/** A file of a header and lines, and where each of them stands in it. */
export function write(header: string, written: readonly WrittenLine[]): WrittenFile {
  const lines: WrittenFile['lines'] = []
  let offset = Buffer.byteLength(header)
  for (const [index, line] of written.entries()) {
    lines.push({ ...line, lineNo: index + 2, offset })
    offset += line.bytes.length + line.end.length
  }
  const content = Buffer.concat([
    Buffer.from(header),
    ...written.flatMap(({ bytes, end }) => [bytes, Buffer.from(end)]),
  ])
  return { content, lines }
}
