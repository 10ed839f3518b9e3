import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COMMON_LINE } from '../../services/contract/event.ts'
import { Marks, markCommon, markFields } from '../../services/ingestor/common-line.ts'

const FORM = new RegExp(`${COMMON_LINE}\\r?\\n`, 'y')
const GOOD = fc.stringMatching(new RegExp(`^${COMMON_LINE}$`))
/** Bytes that matter somewhere in a line, and a few that matter nowhere. */
const BYTE = fc.constantFrom(...'0123456789aAfFgZT-:., +/"\r\n\0\x7f\xe9pv')
const CHANGE = fc.record({ place: fc.nat(200), how: fc.constantFrom('put', 'cut', 'add'), BYTE })

function changed(line: string, changes: { place: number; how: string; BYTE: string }[]): string {
  return changes.reduce((text, { place, how, BYTE: byte }) => {
    const at = place % (text.length + 1)
    return text.slice(0, at) + (how === 'cut' ? '' : byte) + text.slice(how === 'add' ? at : at + 1)
  }, line)
}

/** Where the next line begins by the regular expression of the contract; -1 where it does not match. */
function byForm(text: string, at: number): number {
  FORM.lastIndex = at
  return FORM.test(text) ? FORM.lastIndex : -1
}

test('the pass over bytes takes exactly the lines that the contract calls common', () => {
  let taken = 0
  const line = fc.tuple(GOOD, fc.constantFrom('\n', '\r\n'), fc.array(CHANGE, { maxLength: 3 }))
  fc.assert(
    fc.property(line, fc.string(), ([good, end, changes], before) => {
      const text = before + changed(good + end, changes)
      const marks = new Marks()
      const next = markCommon(Buffer.from(text, 'latin1'), before.length, marks) ? marks.next : -1
      assert.equal(next, byForm(text, before.length))
      if (next > 0) taken++
    }),
    { numRuns: 20_000 },
  )
  expect(taken).toBeGreaterThan(4_000)
})

test('the fields of a common line are where its commas are', () => {
  fc.assert(
    fc.property(GOOD, fc.string(), (good, before) => {
      const bytes = Buffer.from(`${before}${good}\n`, 'latin1')
      const [common, split] = [new Marks(), new Marks()]
      assert.ok(markCommon(bytes, before.length, common))
      markFields(bytes, before.length, bytes.length - 1, split)
      assert.deepEqual({ ...common, next: 0 }, { ...split })
    }),
  )
})

test('a line that stops anywhere before its end is not common', () => {
  const [good] = fc.sample(GOOD, 1)
  for (let length = 0; length <= good!.length; length++) {
    assert.equal(markCommon(Buffer.from(good!.slice(0, length)), 0, new Marks()), false)
  }
})
