import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { COLUMNS } from '../contract/event.ts'
import type { Transaction } from '../runtime/database.ts'

export const ROW_COLUMNS = [...COLUMNS, 'file_id', 'line_no'].join(', ')

/** Rows that are already in COPY's CSV format. */
export interface CopyRows {
  chunks: readonly Buffer[]
  count: number
}

/**
 * @param target table and columns, as in `COPY target FROM STDIN`
 * @returns how many rows the server says it took
 */
export async function copyIn(
  tx: Transaction,
  target: string,
  { chunks }: CopyRows,
): Promise<number> {
  const copy = tx.query(copyFrom(`copy ${target} from stdin (format csv)`))
  await pipeline(Readable.from(chunks), copy)
  return copy.rowCount
}

export function copyRows(lines: readonly string[]): CopyRows {
  return { chunks: [Buffer.from(lines.join(''))], count: lines.length }
}

/**
 * The usual way: straight into the table, on the guess that no row is there yet. A duplicate key
 * fails the transaction, and `merge.ts` does it again the careful way.
 */
export async function loadRows(tx: Transaction, rows: CopyRows): Promise<void> {
  if (rows.count === 0) return
  const taken = await copyIn(tx, `user_activity (${ROW_COLUMNS})`, rows)
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
