import { randomInt } from 'node:crypto'
import type { Bytes } from './encode.ts'

export const ID_BYTES = 16

// Nobody outside can make up ids that all fall into one slot.
const SEED = randomInt(2 ** 31)

/**
 * A set of UUIDs, told from each other by all of their bytes: open addressing with linear probing, at
 * most half full. A `Set` of strings takes five times as long and ten times the memory.
 */
export class Ids {
  readonly #bytes: Bytes
  /** The place of an id among `#bytes`, from 1 on; 0 where the slot is free. */
  readonly #slots: Int32Array
  #count = 0

  /** @param most how many ids there will be at most */
  constructor(most: number) {
    this.#bytes = new Uint8Array(most * ID_BYTES)
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * most + 2)))
  }

  has(bytes: Bytes, at: number): boolean {
    return this.#slots[this.#slot(bytes, at)] !== 0
  }

  /** @returns whether it was not there */
  add(bytes: Bytes, at: number): boolean {
    const slot = this.#slot(bytes, at)
    if (this.#slots[slot] !== 0) return false
    const to = this.#count++ * ID_BYTES
    for (let byte = 0; byte < ID_BYTES; byte++) this.#bytes[to + byte] = bytes[at + byte]!
    this.#slots[slot] = this.#count
    return true
  }

  /** The slot that has the id, or the free one where it belongs. */
  #slot(bytes: Bytes, at: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(bytes, at) & mask
    for (let place = this.#slots[slot]!; place !== 0; place = this.#slots[slot]!) {
      if (equal(this.#bytes, (place - 1) * ID_BYTES, bytes, at)) break
      slot = (slot + 1) & mask
    }
    return slot
  }
}

function hash(bytes: Bytes, at: number): number {
  let sum = SEED
  for (let byte = at, end = at + ID_BYTES; byte < end; byte += 4) {
    const word =
      bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24)
    // The multiplier of a multiplicative hash: 2^32 over the golden ratio.
    sum = Math.imul(sum ^ word, 0x9e3779b1)
    sum ^= sum >>> 15
  }
  return sum
}

function equal(one: Bytes, at: number, other: Bytes, otherAt: number): boolean {
  for (let byte = 0; byte < ID_BYTES; byte++)
    if (one[at + byte] !== other[otherAt + byte]) return false
  return true
}
