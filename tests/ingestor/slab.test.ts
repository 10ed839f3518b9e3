import { expect, test } from 'vitest'
import { Slab } from '../../services/ingestor/slab.ts'

test('copies stay what they were, whatever is copied after them', () => {
  const slab = new Slab()
  const sizes = [1, 300_000, 300_000, 0, 2_000_000, 7]
  const copies = sizes.map((size, index) => slab.copyOf(new Uint8Array(size).fill(index + 1)))
  for (const [index, size] of sizes.entries()) {
    expect(copies[index]).toEqual(Buffer.alloc(size, index + 1))
  }
})

test('small copies share one allocation', () => {
  const slab = new Slab()
  const [first, second] = [slab.copyOf(Buffer.from('a')), slab.copyOf(Buffer.from('b'))]
  expect(first.buffer).toBe(second.buffer)
})
