import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ids } from '../../services/ingestor/ids.ts'

// Few different bytes, so that ids come twice, and differ in one byte alone.
const id = fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 })
const alike = fc
  .nat(300)
  .map(number =>
    Uint8Array.from({ length: 16 }, (_, at) =>
      at === 7 ? number & 255 : at === 3 ? number >> 8 : 0,
    ),
  )

test('a set of ids holds what a Set of their texts holds', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(id, alike), { maxLength: 400, size: 'max' }), drawn => {
      const [ids, texts] = [new Ids(drawn.length), new Set<string>()]
      for (const bytes of drawn) {
        const text = String(bytes)
        expect(ids.has(bytes, 0)).toBe(texts.has(text))
        expect(ids.add(bytes, 0)).toBe(!texts.has(text))
        texts.add(text)
        expect(ids.has(Uint8Array.of(9, 9, ...bytes), 2)).toBe(true)
      }
    }),
  )
})

test('a set that is made for none holds none', () => {
  expect(new Ids(0).has(new Uint8Array(16), 0)).toBe(false)
})
