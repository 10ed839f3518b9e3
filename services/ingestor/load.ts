import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { COLUMNS } from '../contract/event.ts'
import type { Transaction } from '../runtime/database.ts'

export const ROW_COLUMNS = [...COLUMNS, 'file_id', 'line_no'].join(', ')

/**
 * Sends lines that are already in COPY's CSV format, as one buffer.
 * @param target table and columns, as in `COPY target FROM STDIN`
 * @returns how many rows the server says it took
 */
export async function copyIn(
  tx: Transaction,
  target: string,
  lines: readonly string[],
): Promise<number> {
  const copy = tx.query(copyFrom(`copy ${target} from stdin (format csv)`))
  await pipeline(Readable.from([Buffer.from(lines.join(''))]), copy)
  return copy.rowCount
}

/**
 * The usual way: straight into the table, on the guess that no row is there yet. A duplicate key
 * fails the transaction, and `merge.ts` does it again the careful way.
 */
export async function loadRows(tx: Transaction, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  const taken = await copyIn(tx, `user_activity (${ROW_COLUMNS})`, lines)
  if (taken !== lines.length) throw new RowsWithheld(lines.length, taken)
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
