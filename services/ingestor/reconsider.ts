import type { Pool, Transaction } from '../runtime/database.ts'
import { mergeAroundRefused } from './merge.ts'
import { parseLine } from './parse.ts'
import { type Rejected, rejectedPages, type Which } from './rejected.ts'
import { TupleWriter, tuplesOf } from './tuple.ts'
import { validate } from './validate.ts'

export interface Reconsidered {
  looked: number
  loaded: number
  duplicate: number
}

/**
 * Holds the kept lines against today's schema and constraints, and loads those that pass where they
 * would have been: at their file and line. Within the caller's transaction, counters included.
 */
export async function reconsider(
  tx: Transaction,
  which: Which,
  onLooked: (lines: number) => void,
): Promise<Reconsidered> {
  const sum: Reconsidered = { looked: 0, loaded: 0, duplicate: 0 }
  await tx.query('set constraints all immediate')
  for await (const page of rejectedPages(tx, which, 'for update of e skip locked')) {
    const { loaded, duplicate } = await loadAgain(tx, page)
    await resolve(tx, loaded, 'rows_loaded')
    await resolve(tx, duplicate, 'rows_duplicate')
    sum.looked += page.length
    sum.loaded += loaded.length
    sum.duplicate += duplicate.length
    onLooked(page.length)
  }
  return sum
}

/**
 * Marks lines as resolved whose event has come since, by a corrected line in another file: it is
 * found by the UUID that stands in the line. Such a line counts as a duplicate from then on.
 * @returns how many
 */
export async function resolveMended(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `with mended as (
       select e.error_id
         from user_activity_errors e
         join user_activity u on u.event_id = ingest_event_id(e.raw_line)
        where e.resolved_at is null and e.reason <> 'id_conflict'
          and u.file_id <> e.file_id and u.ingested_at > e.ingestion_time
        limit 10000
     ), marked as (
       update user_activity_errors e set resolved_at = clock_timestamp()
         from mended where e.error_id = mended.error_id and e.resolved_at is null
       returning e.file_id
     ), summed as (
       select file_id, count(*) as n from marked group by file_id
     ), counted as (
       update ingest_files f
          set rows_rejected = rows_rejected - n, rows_duplicate = rows_duplicate + n
         from summed where f.file_id = summed.file_id
       returning n
     )
     select coalesce(sum(n), 0)::bigint as mended from counted`,
  )
  return rows[0].mended
}

// Of a line that was too long only the beginning is kept: it is not what stood in the file.
async function loadAgain(tx: Transaction, page: readonly Rejected[]) {
  const writer = new TupleWriter()
  const passed: Rejected[] = []
  for (const rejected of page) {
    if (rejected.reason === 'line_too_long') continue
    const parsed = parseLine(rejected.raw)
    const verdict = parsed.ok ? validate(parsed.fields, rejected.columns) : parsed
    if (!verdict.ok) continue
    writer.writeEvent(verdict.event, rejected.fileId, rejected.lineNo)
    passed.push(rejected)
  }
  const left = passed.length === 0 ? [] : await mergeAroundRefused(tx, tuplesOf(writer.take()))
  const fate = new Map(left.map(row => [key(row), row.reject === null ? 'duplicate' : 'refused']))
  return {
    loaded: passed.filter(rejected => !fate.has(key(rejected))),
    duplicate: passed.filter(rejected => fate.get(key(rejected)) === 'duplicate'),
  }
}

async function resolve(
  tx: Transaction,
  resolved: readonly Rejected[],
  counter: 'rows_loaded' | 'rows_duplicate',
): Promise<void> {
  if (resolved.length === 0) return
  await tx.query(
    `with marked as (
       update user_activity_errors set resolved_at = clock_timestamp()
        where error_id = any($1::bigint[]) returning file_id
     ), summed as (
       select file_id, count(*) as n from marked group by file_id
     )
     update ingest_files f set rows_rejected = rows_rejected - n, ${counter} = ${counter} + n
       from summed where f.file_id = summed.file_id`,
    [resolved.map(({ errorId }) => errorId)],
  )
}

function key({ fileId, lineNo }: { fileId: number; lineNo: number }): string {
  return `${fileId}:${lineNo}`
}
