import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TupleWriter, uuidArray } from '../../services/ingestor/tuple.ts'

const HEADER_BYTES = 20
const ELEMENT_BYTES = 20

// Bytes of few values, so that ids differ early, late and not at all.
const id = fc
  .array(fc.constantFrom(0, 1, 254), { minLength: 16, maxLength: 16 })
  .map(bytes => Buffer.from(bytes))

function copyOf(ids: readonly Buffer[]): Buffer {
  const writer = new TupleWriter()
  for (const [index, bytes] of ids.entries()) {
    const event = {
      event_id: bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
      event_time: '2026-01-02 03:04:05.678901',
      event_type: 'view',
      product_id: '17',
      price: '12.5',
      user_id: '1001',
      session_id: 's'.repeat(1 + (index % 50)),
    }
    writer.writeEvent(event, 1, index)
  }
  return writer.take()
}

test('an array of ids has those up to the one that is given, in their order', () => {
  fc.assert(
    fc.property(fc.array(id), fc.array(id), id, (one, other, drawn) => {
      const ids = [...one, ...other]
      for (const most of [drawn, ...one.slice(0, 1)]) {
        const upTo = ids.filter(bytes => Buffer.compare(bytes, most) <= 0)
        const parts = [{ copy: copyOf(one) }, { copy: copyOf(other) }]
        const array = uuidArray(parts, ids.length, most)
        if (upTo.length === 0) {
          expect(array).toBeNull()
          continue
        }
        expect(array!.length).toBe(HEADER_BYTES + upTo.length * ELEMENT_BYTES)
        expect(array!.readInt32BE(12)).toBe(upTo.length)
        const found = upTo.map((_, index) => {
          const at = HEADER_BYTES + index * ELEMENT_BYTES
          expect(array!.readInt32BE(at)).toBe(16)
          return array!.subarray(at + 4, at + ELEMENT_BYTES).toString('hex')
        })
        expect(found).toEqual(upTo.map(bytes => bytes.toString('hex')))
      }
    }),
  )
})
