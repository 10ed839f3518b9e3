import { describe, expect, test } from 'vitest'
import { COLUMNS } from '../../services/contract/event.ts'
import { REJECT_REASONS, type RejectReason } from '../../services/contract/reasons.ts'
import { awkward } from '../../services/generator/awkward.ts'
import { randomFrom } from '../../services/generator/random.ts'
import {
  DEFAULT_MAX_LINE_BYTES,
  SPOILERS,
  type SpoilReason,
} from '../../services/generator/spoilers.ts'
import { parseLine } from '../../services/ingestor/parse.ts'
import { validate } from '../../services/ingestor/validate.ts'
import { made } from './made.ts'

const ROWS = made(1000)
const REASONS = Object.keys(SPOILERS) as SpoilReason[]

test('there is a spoiler for every reason that a line alone can cause', () => {
  const known = Object.keys(REJECT_REASONS).filter(reason => reason !== 'refused_by_database')
  expect([...REASONS].sort()).toEqual(known.sort())
})

describe.each(REASONS)('a row spoiled as %s', reason => {
  const random = randomFrom(1, 'faults')
  const lines = ROWS.slice(1).map(row => SPOILERS[reason](row, random, ROWS[0]!))

  test('stays one line, and does not merely end in CRLF', () => {
    for (const line of lines) {
      expect(line.includes(10)).toBe(false)
      expect(line.at(-1)).not.toBe(13)
      expect(line.length).toBeGreaterThan(0)
    }
  })

  test('breaks that rule and no other', () => {
    for (const line of lines) expect(judged(line), line.subarray(0, 200).toString()).toBe(reason)
  })
})

function judged(line: Buffer): RejectReason | 'good' {
  if (line.length > DEFAULT_MAX_LINE_BYTES) return 'line_too_long'
  const parsed = parseLine(line)
  if (!parsed.ok) return parsed.reason
  const verdict = validate(parsed.fields, COLUMNS)
  if (!verdict.ok) return verdict.reason
  return verdict.event.event_id === ROWS[0]![0] && parsed.fields.join() !== ROWS[0]!.join()
    ? 'id_conflict'
    : 'good'
}

test('the bytes that name the line-level reasons are really there', () => {
  const random = randomFrom(2, 'faults')
  const line = (reason: SpoilReason) => SPOILERS[reason](ROWS[1]!, random, ROWS[0]!)
  expect(line('nul_byte').includes(0)).toBe(true)
  expect(line('lone_cr').includes(13)).toBe(true)
  expect(() => new TextDecoder('utf-8', { fatal: true }).decode(line('invalid_utf8'))).toThrow()
  expect(line('line_too_long').length).toBeGreaterThan(65_536)
  expect(line('bad_quote').includes('"')).toBe(true)
})

test('an awkward row is accepted, and says what its manifest says', () => {
  const random = randomFrom(3, 'faults')
  for (const plain of ROWS) {
    const { line, row } = awkward(plain, random)
    const end = line.at(-2) === 13 ? -2 : -1
    expect(line.at(-1)).toBe(10)
    const parsed = parseLine(line.subarray(0, end))
    if (!parsed.ok) expect.fail(`${line}: ${parsed.message}`)
    expect(parsed.fields).toEqual([...row])
    expect(validate(parsed.fields, COLUMNS).ok, line.toString()).toBe(true)
  }
})
