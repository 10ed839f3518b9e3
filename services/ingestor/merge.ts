import { COLUMNS } from '../contract/event.ts'
import type { RejectReason } from '../contract/reasons.ts'
import type { Transaction } from '../runtime/database.ts'
import { triage } from './errors.ts'
import { type CopyRows, copyRows, RowsWithheld } from './load.ts'
import { placeOf, TUPLE_COLUMNS } from './tuple.ts'

/** A row that was not loaded, by its place. */
export interface Left {
  fileId: number
  lineNo: number
  /** null: a duplicate, the same event with the same content. Else a reject. */
  reject: { reason: RejectReason; message: string } | null
}

/**
 * The careful way, for rows of which some may be in the table already, or twice among themselves:
 * through a temporary table, so that same content (a duplicate) can be told from other content
 * (a conflict). The first of equal ids in a batch is the one that loads.
 * @returns the rows that were not loaded
 */
export async function mergeRows(tx: Transaction, rows: CopyRows): Promise<Left[]> {
  if (rows.count === 0) return []
  await makeIncoming(tx)
  await tx.query('truncate incoming')
  await copyRows(tx, 'incoming', rows)
  // In the order of the key: two ingestors with the same ids then wait for each other, not deadlock.
  const inserted = await tx.query(
    `insert into user_activity (${TUPLE_COLUMNS})
     select distinct on (event_id) ${TUPLE_COLUMNS} from incoming order by event_id, file_id, line_no
         on conflict (event_id) do nothing`,
  )
  const { rows: left } = await tx.query(LEFT)
  if (inserted.rowCount! + left.length !== rows.count) {
    throw new RowsWithheld(rows.count, inserted.rowCount! + left.length)
  }
  return left.map(row => ({
    fileId: row.file_id,
    lineNo: row.line_no,
    reject: row.differs === '' ? null : { reason: 'id_conflict', message: conflictMessage(row) },
  }))
}

/**
 * The same, where PostgreSQL refuses a row that validation let pass (a constraint or a trigger of the
 * user's own): halves the rows until the one at fault stands alone, and rejects that one.
 */
export async function mergeAroundRefused(
  tx: Transaction,
  tuples: readonly Buffer[],
): Promise<Left[]> {
  // Outside the savepoints: else each rollback would take it back, to be made anew.
  await makeIncoming(tx)
  return mergeHalves(tx, tuples)
}

async function mergeHalves(tx: Transaction, tuples: readonly Buffer[]): Promise<Left[]> {
  await tx.query('savepoint part')
  try {
    const left = await mergeRows(tx, { tuples, count: tuples.length })
    await tx.query('release savepoint part')
    return left
  } catch (error) {
    if (triage(error) !== 'data') throw error
    await tx.query('rollback to savepoint part; release savepoint part')
    if (tuples.length === 1) return [refused(tuples[0]!, error as Error)]
    const middle = tuples.length >> 1
    const first = await mergeHalves(tx, tuples.slice(0, middle))
    return first.concat(await mergeHalves(tx, tuples.slice(middle)))
  }
}

async function makeIncoming(tx: Transaction): Promise<void> {
  await tx.query(
    `create temp table if not exists incoming on commit delete rows
         as select ${TUPLE_COLUMNS} from user_activity with no data`,
  )
}

// Columns whose content differs between the row that came and the row that is there.
const DIFFERS = COLUMNS.slice(1)
  .map(column => `case when i.${column} <> u.${column} then '${column}' end`)
  .join(', ')

const LEFT = `
  select i.file_id, i.line_no, i.event_id, concat_ws(', ', ${DIFFERS}) as differs,
         u.file_id as there_file_id, u.line_no as there_line_no,
         (select file_name from ingest_files f where f.file_id = u.file_id) as there_file
    from incoming i
    join user_activity u using (event_id)
   where (u.file_id, u.line_no) <> (i.file_id, i.line_no)
   order by i.file_id, i.line_no`

function conflictMessage(row: Record<string, unknown>): string {
  const place = `${row.there_file ?? `file_id ${row.there_file_id}`} line ${row.there_line_no}`
  return `event_id: expected a new id or the same content, found ${row.event_id} already loaded from ${place} with another ${row.differs}`
}

function refused(tuple: Buffer, error: Error & { code?: string; detail?: string }): Left {
  const detail = error.detail ? ` (${error.detail})` : ''
  const message = `expected a row that PostgreSQL accepts, found: ${error.message}${detail} [SQLSTATE ${error.code}]`
  return { ...placeOf(tuple), reject: { reason: 'refused_by_database', message } }
}
