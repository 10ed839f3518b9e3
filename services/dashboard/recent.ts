import type { Transaction } from '../runtime/database.ts'
import type { RecentFile } from './shape.ts'

const SHOWN = 12

const COLUMNS = `
  file_id, file_name, generation, status, message, size_bytes, byte_offset,
  rows_read, rows_loaded, rows_duplicate, rows_rejected, claimed_by,
  discovered_at, started_at, loaded_at, finished_at, archived_at`

/** The files that something happened to lately, the newest first: those in work, and those that ended. */
export async function recentFiles(tx: Transaction): Promise<RecentFile[]> {
  const { rows } = await tx.query(
    `(select ${COLUMNS} from ingest_files
       where status = 'active' or (status = 'pending' and byte_offset > 0)
       order by file_id desc limit $1)
     union all
     (select ${COLUMNS} from ingest_files
       where finished_at is not null
       order by finished_at desc limit $1)`,
    [SHOWN],
  )
  return rows
    .map(fileOf)
    .sort((a, b) => lastMoment(b) - lastMoment(a) || b.fileId - a.fileId)
    .slice(0, SHOWN)
}

function lastMoment(file: RecentFile): number {
  return file.loadedAtMs ?? file.finishedAtMs ?? file.startedAtMs ?? file.discoveredAtMs
}

function fileOf(row: Record<string, never>): RecentFile {
  const moment = (at: Date | null | undefined) => at?.getTime() ?? null
  return {
    fileId: row.file_id!,
    name: row.file_name!,
    generation: row.generation!,
    status: row.status!,
    message: row.message!,
    sizeBytes: row.size_bytes!,
    byteOffset: row.byte_offset!,
    rowsRead: row.rows_read!,
    rowsLoaded: row.rows_loaded!,
    rowsDuplicate: row.rows_duplicate!,
    rowsRejected: row.rows_rejected!,
    ingestor: row.claimed_by!,
    discoveredAtMs: moment(row.discovered_at)!,
    startedAtMs: moment(row.started_at),
    loadedAtMs: moment(row.loaded_at),
    finishedAtMs: moment(row.finished_at),
    archivedAtMs: moment(row.archived_at),
  }
}
