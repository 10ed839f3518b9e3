import { COLUMNS, type Column } from '../contract/event.ts'
import type { RejectReason } from '../contract/reasons.ts'
import type { Transaction } from '../runtime/database.ts'
import { parseLine } from './parse.ts'

/** A line of the quarantine. */
export interface Rejected {
  errorId: number
  fileId: number
  fileName: string
  generation: number
  lineNo: number
  reason: RejectReason
  column: Column | null
  message: string
  raw: Buffer
  rejectedAt: Date
  resolvedAt: Date | null
  /** The order of its file's header. */
  columns: Column[]
}

export interface Which {
  file?: string
  reason?: string
  /** Those that are resolved, too. */
  all?: boolean
}

const PAGE = 1_000

/** The lines of the quarantine, the oldest first, a page at a time: no more are in memory at once. */
export async function* rejectedPages(
  tx: Pick<Transaction, 'query'>,
  which: Which,
  lock = '',
): AsyncGenerator<Rejected[]> {
  for (let after = 0; ; ) {
    const { rows } = await tx.query(
      `select e.*, f.file_name, f.generation, f.columns
         from user_activity_errors e join ingest_files f using (file_id)
        where e.error_id > $1 and (e.resolved_at is null or $2)
          and ($3::text is null or f.file_name = $3) and ($4::text is null or e.reason = $4)
        order by e.error_id limit ${PAGE} ${lock}`,
      [after, which.all ?? false, which.file, which.reason],
    )
    if (rows.length === 0) return
    yield rows.map(rejectedOf)
    after = rows.at(-1).error_id
  }
}

function rejectedOf(row: Record<string, never>): Rejected {
  return {
    errorId: row.error_id!,
    fileId: row.file_id!,
    fileName: row.file_name!,
    generation: row.generation!,
    lineNo: row.line_no!,
    reason: row.reason!,
    column: row.column_name!,
    message: row.error_message!,
    raw: row.raw_line!,
    rejectedAt: row.ingestion_time!,
    resolvedAt: row.resolved_at!,
    columns: row.columns ?? [...COLUMNS],
  }
}

/** Its seven fields in the contract's order; null where the line does not fall into seven. */
export function fieldsOf({ raw, columns }: Rejected): string[] | null {
  const parsed = parseLine(raw)
  if (!parsed.ok || parsed.fields.length !== columns.length) return null
  return COLUMNS.map(column => parsed.fields[columns.indexOf(column)]!)
}
