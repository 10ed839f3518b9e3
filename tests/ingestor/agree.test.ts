import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COLUMNS, COMMON_LINE } from '../../services/contract/event.ts'
import { TupleWriter } from '../../services/ingestor/tuple.ts'
import { nearRow } from '../contract/near.ts'
import { freshFolders } from '../support/folders.ts'
import { HEADER, judgeContent } from './claimed.ts'
import { verdictOn } from './referee.ts'

const PLACE_BYTES = 24
const RUNS = Number(process.env.TEST_AGREEMENTS ?? 60)

const COMMON = fc.stringMatching(new RegExp(`^${COMMON_LINE}$`))
const quoted = fc
  .tuple(nearRow, fc.nat(127))
  .map(([row, which]) =>
    COLUMNS.map((column, index) =>
      which & (1 << index) ? `"${row[column].replaceAll('"', '""')}"` : row[column],
    ).join(','),
  )
const near = nearRow.map(row => COLUMNS.map(column => row[column]).join(','))
const sound = fc.oneof({ weight: 3, arbitrary: COMMON }, near, quoted)
/** A byte put, taken away or changed somewhere: the line that is nearly another. */
const bent = fc
  .tuple(
    sound,
    fc.nat(),
    fc.nat(2),
    fc.constantFrom(...Buffer.from('"", \\\r\0\t0aZ-:.\x7f\xc3\xa9')),
  )
  .map(([line, place, how, byte]) => {
    const bytes = Buffer.from(line)
    const at = place % (bytes.length + 1)
    const kept = bytes.subarray(how === 0 ? at : at + 1)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(how === 2 ? [] : [byte]), kept])
  })
const line = fc.oneof(
  { weight: 2, arbitrary: sound.map(text => Buffer.from(text)) },
  { weight: 2, arbitrary: bent },
)

test('the fast path, and csv-parse with the schema, agree on every line, verdict by verdict', {
  timeout: 60_000 + RUNS * 200,
}, async () => {
  const folders = await freshFolders()
  const tuples = new TupleWriter()
  const seen = { loaded: 0, common: 0, reasons: new Set<string>() }
  const isCommon = new RegExp(`^${COMMON_LINE}$`)
  fc.assert(
    fc.property(fc.array(line, { minLength: 300, maxLength: 400, size: 'max' }), drawn => {
      // A line break would make two lines of one, and an empty line is none.
      const lines = drawn.filter(bytes => bytes.length > 0 && !bytes.includes(10))
      const ends = lines.map((_, index) => Buffer.from(index % 3 ? '\n' : '\r\n'))
      const content = Buffer.concat(lines.flatMap((bytes, index) => [bytes, ends[index]!]))
      const whole = Buffer.concat([Buffer.from(`${HEADER}\n`), content])
      const judged = judgeContent(folders.input, whole, { maxLineBytes: 65_536 })
      for (const [index, bytes] of lines.entries()) {
        const lineNo = index + 2
        // The end of the line is its last CR and LF, so a CR before the end belongs to it.
        const bare =
          ends[index]!.length === 1 && bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes
        if (bare.length === 0) continue
        const verdict = verdictOn(bare)
        const said = judged.rejects.get(lineNo)?.reason ?? 'loaded'
        assert.equal(said, verdict.ok ? 'loaded' : verdict.reason, JSON.stringify(bare.toString()))
        if (!verdict.ok) {
          seen.reasons.add(verdict.reason)
          continue
        }
        tuples.writeEvent(verdict.event, 7, lineNo)
        const expected = tuples.take().subarray(0, -PLACE_BYTES).toString('latin1')
        assert.equal(judged.rows.get(lineNo), expected, bare.toString())
        seen.loaded++
        if (isCommon.test(bare.toString())) seen.common++
      }
    }),
    { numRuns: RUNS },
  )
  expect(seen.common).toBeGreaterThan(RUNS * 30)
  expect(seen.loaded - seen.common).toBeGreaterThan(RUNS * 3)
  expect([...seen.reasons].sort()).toEqual([
    ...['bad_quote', 'bad_timestamp', 'bad_uuid', 'column_count', 'control_character'],
    ...['empty_field', 'invalid_utf8', 'lone_cr', 'not_a_number', 'nul_byte', 'out_of_range'],
    ...['too_long', 'unknown_event_type'],
  ])
})
