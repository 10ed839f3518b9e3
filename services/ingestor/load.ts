import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { Transaction } from '../runtime/database.ts'
import { COPY_HEADER, COPY_TRAILER, TUPLE_COLUMNS } from './tuple.ts'

/** Rows as tuples of COPY's binary format. */
export interface CopyRows {
  tuples: readonly Buffer[]
  count: number
}

/**
 * @param copy a COPY … FROM STDIN, and `data` in the format that it names
 * @returns how many rows the server says it took
 */
export async function copyIn(
  tx: Transaction,
  copy: string,
  data: Iterable<Buffer>,
): Promise<number> {
  const stream = tx.query(copyFrom(copy))
  await pipeline(Readable.from(gathered(data)), stream)
  return stream.rowCount
}

/** A message to the server costs as much as a hundred rows: those of small files go together. */
const MESSAGE_BYTES = 64 * 1024

function* gathered(data: Iterable<Buffer>): Generator<Buffer> {
  let small: Buffer[] = []
  let bytes = 0
  for (const buffer of data) {
    small.push(buffer)
    bytes += buffer.length
    if (bytes < MESSAGE_BYTES) continue
    yield small.length === 1 ? buffer : Buffer.concat(small, bytes)
    small = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(small, bytes)
}

/** Into `user_activity`, or a table of the same columns. */
export function copyRows(tx: Transaction, table: string, { tuples }: CopyRows): Promise<number> {
  const copy = `copy ${table} (${TUPLE_COLUMNS}) from stdin (format binary)`
  return copyIn(tx, copy, [COPY_HEADER, ...tuples, COPY_TRAILER])
}

/**
 * The usual way: straight into the table, on the guess that no row is there yet. A duplicate key
 * fails the transaction, and `merge.ts` does it again the careful way.
 */
export async function loadRows(tx: Transaction, rows: CopyRows): Promise<void> {
  if (rows.count === 0) return
  const taken = await copyRows(tx, 'user_activity', rows)
  if (taken !== rows.count) throw new RowsWithheld(rows.count, taken)
}

/** The server took fewer rows than it was sent and said nothing: a trigger dropped some. */
export class RowsWithheld extends Error {
  /** A made-up code of class 23, integrity constraint violation: the row is at fault. */
  readonly code = '23W01'

  constructor(sent: number, taken: number) {
    super(`a trigger on user_activity kept back ${sent - taken} of ${sent} rows`)
    this.name = 'RowsWithheld'
  }
}
