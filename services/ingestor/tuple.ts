import { COLUMNS, type Event } from '../contract/event.ts'
import { Marks, markFields } from './common-line.ts'
import { type Bytes, decimal, int16, int32, int64, moment, text, uuid, whole } from './encode.ts'
import { Slab } from './slab.ts'

/** The columns of a tuple, in its order. */
export const TUPLE_COLUMNS = [...COLUMNS, 'file_id', 'line_no'].join(', ')

/** What stands around the tuples of one COPY in binary format. */
export const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
export const COPY_TRAILER = Buffer.from([0xff, 0xff])

const FIELDS = 9
/** Where a place stands, counted from the end: two int64, each after its length. */
const FILE_ID_FROM_END = 20
const LINE_NO_FROM_END = 8

/**
 * Rows as COPY's binary format takes them: the server has nothing left to parse, which is a third of
 * its work. Gathers tuples in one buffer that is used again and again.
 */
export class TupleWriter {
  #out: Bytes = new Uint8Array(1 << 20)
  #length = 0
  readonly #fields = new Marks()
  readonly #taken = new Slab()

  /** @param fields where the seven fields are in `line`, valid and without quotes */
  write(line: Bytes, fields: Marks, fileId: number, lineNo: number): void {
    const { eventId, time, type, product, price, user, session, end } = fields
    this.#reserve(256 + end - eventId)
    const out = this.#out
    let to = int16(out, this.#length, FIELDS)
    to = uuid(out, int32(out, to, 16), line, eventId)
    to = moment(out, int32(out, to, 8), line, time, type - 1)
    to = text(out, int32(out, to, product - type - 1), line, type, product - 1)
    to = int32(out, int32(out, to, 4), whole(line, product, price - 1))
    const priced = decimal(out, to + 4, line, price, user - 1)
    int32(out, to, priced - to - 4)
    to = int32(out, int32(out, priced, 4), whole(line, user, session - 1))
    to = text(out, int32(out, to, end - session), line, session, end)
    to = int64(out, int32(out, to, 8), fileId)
    this.#length = int64(out, int32(out, to, 8), lineNo)
  }

  writeEvent(event: Event, fileId: number, lineNo: number): void {
    const line = Buffer.from(COLUMNS.map(column => event[column]).join(','))
    markFields(line, 0, line.length, this.#fields)
    this.write(line, this.#fields, fileId, lineNo)
  }

  /** The tuples since the last call. */
  take(): Buffer {
    const taken = this.#taken.copyOf(this.#out.subarray(0, this.#length))
    this.#length = 0
    return taken
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return
    const larger = new Uint8Array(2 * (this.#length + bytes))
    larger.set(this.#out.subarray(0, this.#length))
    this.#out = larger
  }
}

/** One by one, for the ways of loading that look at single rows. */
export function tuplesOf(copy: Buffer): Buffer[] {
  const tuples: Buffer[] = []
  for (let from = 0; from < copy.length; ) {
    const end = endOfTuple(copy, from)
    tuples.push(copy.subarray(from, end))
    from = end
  }
  return tuples
}

/** Where the id stands in a tuple: after the number of fields, and its own length. */
export const ID_IN_TUPLE = 6

/** No field is longer than 65,535 bytes: a session has 50 characters. */
export function endOfTuple(copy: Buffer, from: number): number {
  let at = from + 2
  for (let field = 0; field < FIELDS; field++) {
    at += 4 + ((copy[at + 2]! << 8) | copy[at + 3]!)
  }
  return at
}

const UUID_OID = 2950
const ARRAY_HEADER_BYTES = 20
const ELEMENT_BYTES = 4 + 16

/**
 * Ids up to `most` as `uuid[]` in PostgreSQL's binary form (`array_recv`): one dimension, no NULL, from 1
 * on. UUIDs are in the order of their bytes, as they are to PostgreSQL.
 * @param count how many ids there are in all
 * @returns null where all are above
 */
export function uuidArray(
  parts: readonly { copy: Buffer }[],
  count: number,
  most: Buffer,
): Buffer | null {
  const array = Buffer.allocUnsafe(ARRAY_HEADER_BYTES + count * ELEMENT_BYTES)
  let to = ARRAY_HEADER_BYTES
  for (const { copy } of parts) {
    for (let from = 0; from < copy.length; from = endOfTuple(copy, from)) {
      const id = from + ID_IN_TUPLE
      if (isAbove(copy, id, most)) continue
      // An element is its length and its bytes, as the field of a tuple is.
      copy.copy(array, to, id - 4, id + 16)
      to += ELEMENT_BYTES
    }
  }
  const elements = (to - ARRAY_HEADER_BYTES) / ELEMENT_BYTES
  let at = 0
  for (const value of [1, 0, UUID_OID, elements, 1]) at = int32(array, at, value)
  return elements === 0 ? null : array.subarray(0, to)
}

function isAbove(copy: Buffer, id: number, most: Buffer): boolean {
  for (let byte = 0; byte < most.length; byte++) {
    const difference = copy[id + byte]! - most[byte]!
    if (difference !== 0) return difference > 0
  }
  return false
}

/** Where the row of a tuple came from. */
export function placeOf(tuple: Buffer): { fileId: number; lineNo: number } {
  return {
    fileId: Number(tuple.readBigInt64BE(tuple.length - FILE_ID_FROM_END)),
    lineNo: Number(tuple.readBigInt64BE(tuple.length - LINE_NO_FROM_END)),
  }
}
