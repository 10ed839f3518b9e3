/**
 * Values as PostgreSQL's binary formats hold them (`uuid_send`, `timestamptz_send`, `numeric_send` and
 * their kin in its source), written from the digits that were validated: whole numbers below 2^53
 * all the way, so neither cents nor microseconds are ever rounded. Each takes the place to write at
 * and returns the place after. What comes in is already known to be well formed.
 */
export type Bytes = Uint8Array

const DASH = 0x2d
const DOT = 0x2e
const ZERO = 0x30

export function int16(out: Bytes, to: number, value: number): number {
  out[to] = value >> 8
  out[to + 1] = value
  return to + 2
}

export function int32(out: Bytes, to: number, value: number): number {
  out[to] = value >>> 24
  out[to + 1] = value >>> 16
  out[to + 2] = value >>> 8
  out[to + 3] = value
  return to + 4
}

/** Two's complement, from its upper half and its lower one (0 to 2^32 - 1). */
function halves(out: Bytes, to: number, high: number, low: number): number {
  return int32(out, int32(out, to, high), low)
}

export function int64(out: Bytes, to: number, value: number): number {
  const high = Math.floor(value / 2 ** 32)
  return halves(out, to, high, value - high * 2 ** 32)
}

export function text(out: Bytes, to: number, line: Bytes, from: number, end: number): number {
  for (let at = from; at < end; at++) out[to++] = line[at]!
  return to
}

const NIBBLE = new Uint8Array(256)
for (const digit of '0123456789abcdefABCDEF') {
  NIBBLE[digit.charCodeAt(0)] = Number.parseInt(digit, 16)
}

/** 16 bytes, from 36 characters. */
export function uuid(out: Bytes, to: number, line: Bytes, from: number): number {
  for (let at = from, end = to + 16; to < end; at += 2) {
    if (line[at] === DASH) at++
    out[to++] = (NIBBLE[line[at]!]! << 4) | NIBBLE[line[at + 1]!]!
  }
  return to
}

/** The digits of [from, end). */
export function whole(line: Bytes, from: number, end: number): number {
  let value = 0
  for (let at = from; at < end; at++) value = value * 10 + line[at]! - ZERO
  return value
}

/** `numeric` with two decimals: a header of four, then digits of base 10,000. At most 14 bytes. */
export function decimal(out: Bytes, to: number, line: Bytes, from: number, end: number): number {
  let dot = from
  while (dot < end && line[dot] !== DOT) dot++
  const units = whole(line, from, dot)
  const decimals = Math.max(0, end - dot - 1)
  const cents = whole(line, dot + 1, end) * (decimals === 1 ? 10 : 1)
  const high = Math.floor(units / 10_000)
  const digits = high > 0 ? 3 : units > 0 ? 2 : 1
  to = int16(out, to, digits)
  to = int16(out, to, digits - 2)
  to = int16(out, to, 0)
  to = int16(out, to, 2)
  if (digits > 2) to = int16(out, to, high)
  if (digits > 1) to = int16(out, to, units % 10_000)
  return int16(out, to, cents * 100)
}

/** Microseconds since 2000-01-01 UTC, in 8 bytes. */
export function moment(out: Bytes, to: number, line: Bytes, from: number, end: number): number {
  const year = two(line, from) * 100 + two(line, from + 2)
  const days = daysSince2000(year, two(line, from + 5), two(line, from + 8))
  let seconds = (days * 24 + two(line, from + 11)) * 3600
  seconds += two(line, from + 14) * 60 + two(line, from + 17)
  let micros = 0
  let at = from + 19
  if (line[at] === DOT) {
    for (
      let scale = 100_000;
      ++at < end && line[at]! >= ZERO && line[at]! <= ZERO + 9;
      scale /= 10
    ) {
      micros += (line[at]! - ZERO) * scale
    }
  }
  if (end - at === 6) {
    const offset = (two(line, at + 1) * 60 + two(line, at + 4)) * 60
    seconds += line[at] === DASH ? offset : -offset
  }
  // seconds * 1,000,000 may pass 2^53; it is (seconds * 15,625) * 2^6, and that product does not.
  const product = seconds * 15_625
  const high = Math.floor(product / 2 ** 26)
  const low = (product - high * 2 ** 26) * 2 ** 6 + micros
  return low < 2 ** 32 ? halves(out, to, high, low) : halves(out, to, high + 1, low - 2 ** 32)
}

function two(line: Bytes, at: number): number {
  return line[at]! * 10 + line[at + 1]! - 11 * ZERO
}

/** Days of the proleptic Gregorian calendar, counted in years that begin in March. */
function daysSince2000(year: number, month: number, day: number): number {
  const march = month > 2 ? month - 3 : month + 9
  const years = month > 2 ? year : year - 1
  const leaps = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return years * 365 + leaps + Math.floor((153 * march + 2) / 5) + day - 1 - 730_425
}
