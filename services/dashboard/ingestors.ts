import type { Transaction } from '../runtime/database.ts'
import type { Ingestor } from './shape.ts'

/** An ingestor tells of itself every 4 seconds at least. */
const SILENT_AFTER_MS = 12_000
const RATE_SECONDS = 10
/** One that ended is shown for this long. */
const SHOWN_SECONDS = 600

/** The ingestors of late, and the rows that the living ones have in hand. */
export async function lookAtIngestors(
  tx: Transaction,
  nowMs: number,
): Promise<{ ingestors: Ingestor[]; rowsInFlight: number }> {
  const { rows } = await tx.query(
    `select owner, started_at, seen_at, stopped_at, rows_in_flight, watch_fault,
            (select count(*) from ingest_files f
              where f.status = 'active' and f.owner = i.owner) as files_in_work,
            (select coalesce(sum(rows_loaded + rows_duplicate + rows_rejected), 0) from ingest_activity a
              where a.owner = i.owner and a.at > now() - interval '${RATE_SECONDS} s') as rows
       from ingestors i
      where seen_at > now() - interval '${SHOWN_SECONDS} s'
      order by started_at desc
      limit 64`,
  )
  const ingestors: Ingestor[] = rows.map(row => ({
    owner: row.owner as string,
    state: stateOf(row, nowMs),
    startedAtMs: row.started_at.getTime(),
    seenAtMs: row.seen_at.getTime(),
    filesInWork: row.files_in_work as number,
    rowsPerSecond: Number(row.rows) / RATE_SECONDS,
    watchFault: row.watch_fault as string | null,
  }))
  // Told once a second, and meanwhile committed perhaps: who has no file has nothing in hand.
  const hasFiles = ({ state, filesInWork }: Ingestor) => state === 'working' && filesInWork > 0
  const rowsInFlight = rows
    .filter((_, index) => hasFiles(ingestors[index]!))
    .reduce((sum, row) => sum + row.rows_in_flight, 0)
  return { ingestors, rowsInFlight }
}

function stateOf(
  row: { stopped_at: Date | null; seen_at: Date },
  nowMs: number,
): Ingestor['state'] {
  if (row.stopped_at !== null) return 'stopped'
  return nowMs - row.seen_at.getTime() > SILENT_AFTER_MS ? 'silent' : 'working'
}
