import { EVENT_TYPES, MAX_SESSION_ID_CHARS } from '../contract/event.ts'
import type { Bytes } from './encode.ts'

/** Where the fields of a line begin, in its bytes, and where the line ends and the next one begins. */
export class Marks {
  eventId = 0
  time = 0
  type = 0
  product = 0
  price = 0
  user = 0
  session = 0
  end = 0
  next = 0
}

/**
 * Whether the line that begins at `at` has the form that `COMMON_LINE` of the contract describes, and
 * where its fields are. One pass over its bytes, for the sake of time: a test holds it equal to that
 * regular expression, which takes four times as long and wants the bytes made into text first.
 */
export function markCommon(line: Bytes, at: number, marks: Marks): boolean {
  marks.eventId = at
  marks.time = afterUuid(line, at)
  marks.type = afterMoment(line, marks.time)
  marks.product = afterType(line, marks.type)
  marks.price = afterWhole(line, marks.product)
  marks.user = afterPrice(line, marks.price)
  marks.session = afterWhole(line, marks.user)
  marks.end = sessionEnd(line, marks.session)
  marks.next = marks.end + (line[marks.end] === CR ? 2 : 1)
  return line[marks.next - 1] === LF && marks.end > 0
}

/** The fields of [at, end), where they are known to be seven and to hold no comma but the last. */
export function markFields(line: Bytes, at: number, end: number, marks: Marks): void {
  marks.eventId = at
  marks.time = afterComma(line, at)
  marks.type = afterComma(line, marks.time)
  marks.product = afterComma(line, marks.type)
  marks.price = afterComma(line, marks.product)
  marks.user = afterComma(line, marks.price)
  marks.session = afterComma(line, marks.user)
  marks.end = end
}

const [LF, CR, SPACE, COMMA, DASH, DOT, ZERO, NINE, COLON, T, Z] = Buffer.from('\n\r ,-.09:TZ')

// From here on: each takes where a field begins and tells where the next one does. NOT where it is
// not of the form, and whatever follows then finds nothing there, since no array has that index.
const NOT = -1_000

const IS_HEX = classOf(/[0-9a-f]/i)
const IS_SESSION = classOf(/[\w.:~+/=@-]/)
const TYPES = EVENT_TYPES.map(type => Buffer.from(`${type},`))
const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function afterUuid(line: Bytes, at: number): number {
  for (let place = 0; place < 36; place++) {
    const byte = line[at + place]!
    const dash = place === 8 || place === 13 || place === 18 || place === 23
    if (dash ? byte !== DASH : IS_HEX[byte] !== 1) return NOT
  }
  return line[at + 36] === COMMA ? at + 37 : NOT
}

/** A date before year 1000 is left to the schema, and so is 29 February. */
function afterMoment(line: Bytes, at: number): number {
  const year = pair(line, at)
  const month = pair(line, at + 5)
  const day = pair(line, at + 8)
  const separator = line[at + 10]
  const real =
    year >= 10 &&
    pair(line, at + 2) >= 0 &&
    line[at + 4] === DASH &&
    month >= 1 &&
    month <= 12 &&
    line[at + 7] === DASH &&
    day >= 1 &&
    day <= DAYS[month]! &&
    pair(line, at + 11) >= 0 &&
    pair(line, at + 11) <= 23 &&
    line[at + 13] === COLON &&
    pair(line, at + 14) >= 0 &&
    pair(line, at + 14) <= 59 &&
    line[at + 16] === COLON &&
    pair(line, at + 17) >= 0 &&
    pair(line, at + 17) <= 59
  if (!real || (separator !== SPACE && separator !== T)) return NOT
  let end = at + 19
  if (line[end] === DOT) {
    const fraction = end + 1
    end = afterDigits(line, fraction)
    if (end === fraction || end > fraction + 6) return NOT
  }
  if (separator === T && line[end++] !== Z) return NOT
  return line[end] === COMMA ? end + 1 : NOT
}

function afterType(line: Bytes, at: number): number {
  for (const type of TYPES) {
    let length = 0
    while (length < type.length && line[at + length] === type[length]) length++
    if (length === type.length) return at + length
  }
  return NOT
}

/** At most nine digits: ten may be too large. */
function afterWhole(line: Bytes, at: number): number {
  const end = afterDigits(line, at)
  return line[at] !== ZERO && end > at && end <= at + 9 && line[end] === COMMA ? end + 1 : NOT
}

function afterPrice(line: Bytes, at: number): number {
  const dot = afterDigits(line, at)
  const below1 = line[at] === ZERO
  if (dot === at || dot > at + (below1 ? 1 : 8)) return NOT
  if (line[dot] === COMMA) return below1 ? NOT : dot + 1
  const end = afterDigits(line, dot + 1)
  if (line[dot] !== DOT || end === dot + 1 || end > dot + 3 || line[end] !== COMMA) return NOT
  const zero = line[dot + 1] === ZERO && (end === dot + 2 || line[dot + 2] === ZERO)
  return below1 && zero ? NOT : end + 1
}

function sessionEnd(line: Bytes, at: number): number {
  let end = at
  while (IS_SESSION[line[end]!] === 1) end++
  return end > at && end <= at + MAX_SESSION_ID_CHARS ? end : NOT
}

function afterDigits(line: Bytes, at: number): number {
  while (line[at]! >= ZERO! && line[at]! <= NINE!) at++
  return at
}

/** The number that two digits are; -1 where they are none. */
function pair(line: Bytes, at: number): number {
  const tens = line[at]! - ZERO!
  const ones = line[at + 1]! - ZERO!
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

function afterComma(line: Bytes, at: number): number {
  while (line[at++] !== COMMA);
  return at
}

function classOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte < 128 && pattern.test(String.fromCharCode(byte)) ? 1 : 0,
  )
}
