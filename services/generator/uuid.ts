import type { Randomizer } from './random.ts'

const HEX_16_BIT = Array.from({ length: 65_536 }, (_, n) => n.toString(16).padStart(4, '0'))
const TWO_TO_32 = 4_294_967_296

/**
 * A UUIDv7 (RFC 9562). The 12 bits after the version hold the microsecond within the millisecond
 * (method 3 of its section 6.2), so that ids rise with their moments. Node's `crypto.randomUUID` is
 * version 4: random keys cost the load a third of its rate.
 */
export function uuidV7(micros: number, random: Randomizer): string {
  const ms = Math.floor(micros / 1000)
  const high = random.next() * TWO_TO_32
  const low = random.next() * TWO_TO_32
  const withinMs = (micros - ms * 1000) * 4 + (high & 3)
  const upper = Math.floor(ms / 65_536)
  return (
    `${HEX_16_BIT[Math.floor(upper / 65_536)]}${HEX_16_BIT[upper & 0xffff]}` +
    `-${HEX_16_BIT[ms & 0xffff]}-${HEX_16_BIT[0x7000 | withinMs]}` +
    `-${HEX_16_BIT[0x8000 | ((high >>> 2) & 0x3fff)]}` +
    `-${HEX_16_BIT[high >>> 16]}${HEX_16_BIT[low & 0xffff]}${HEX_16_BIT[low >>> 16]}`
  )
}
