import { BATCH_BEGINS } from './moments.ts'

/**
 * Counts the rows that went over the wire in COPY's binary format since the transaction began
 * (PostgreSQL documentation, "COPY: Binary Format"): nobody else can see them before COMMIT.
 */
export class CopiedRows {
  #copies: { table: string; parts: Buffer[] }[] = []

  see(statement: string, frame: Buffer): void {
    if (BATCH_BEGINS.test(statement)) this.#copies = []
    const table = /^copy (\w+)/i.exec(statement)?.[1]
    // Its second word is the table's only where it is a statement of SQL.
    if (table && statement.includes(' from stdin')) this.#copies.push({ table, parts: [] })
    // Type byte and length come before the data.
    if (statement === 'copy data') this.#copies.at(-1)?.parts.push(Buffer.from(frame.subarray(5)))
  }

  /** Of the open transaction: rows, rejects. */
  get counted(): { rows: number; rejects: number } {
    const sum = { rows: 0, rejects: 0 }
    for (const { table, parts } of this.#copies) {
      const bytes = Buffer.concat(parts)
      const tuples = bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)
        ? tuplesIn(bytes)
        : linesIn(bytes)
      if (table === 'user_activity_errors') sum.rejects += tuples
      else sum.rows += tuples
    }
    return sum
  }
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
/** Signature, flags, and the length of an extension that is never there. */
const HEADER_BYTES = SIGNATURE.length + 8

function tuplesIn(bytes: Buffer): number {
  let tuples = 0
  let at = HEADER_BYTES
  while (at + 2 <= bytes.length) {
    const fields = bytes.readInt16BE(at)
    if (fields < 0) break
    at += 2
    for (let field = 0; field < fields && at + 4 <= bytes.length; field++) {
      at += 4 + Math.max(0, bytes.readInt32BE(at))
    }
    if (at > bytes.length) break
    tuples++
  }
  return tuples
}

function linesIn(bytes: Buffer): number {
  return bytes.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0)
}
