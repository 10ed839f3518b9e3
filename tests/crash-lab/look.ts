import type { TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** What the checkpoint and the table say of one file, in one statement. */
export interface Look {
  readonly fileId: number
  readonly status: string
  readonly ownerPid: number | null
  readonly epoch: number
  readonly byteOffset: number
  readonly lineNo: number
  readonly sizeBytes: number
  readonly loaded: number
  readonly duplicate: number
  readonly rejected: number
  /** Rows that anyone can see, counted in the table. */
  readonly visible: number
  readonly archived: boolean
}

export async function lookAt(database: TestDatabase, fileName: string): Promise<Look | null> {
  const [row] = await database.query<Look & { [column: string]: unknown }>(
    `select f.file_id as "fileId", f.status, split_part(f.owner, ' ', 3)::int as "ownerPid", f.epoch,
            f.byte_offset as "byteOffset", f.line_no as "lineNo", f.size_bytes as "sizeBytes",
            f.rows_loaded as loaded, f.rows_duplicate as duplicate, f.rows_rejected as rejected,
            (select count(*) from user_activity u where u.file_id = f.file_id) as visible,
            f.archived_at is not null as archived
       from ingest_files f where f.file_name = $1`,
    [fileName],
  )
  return row ?? null
}

/** How PostgreSQL sees the transaction that a process has open. */
export async function openTransaction(
  database: TestDatabase,
  pid: number,
): Promise<{ backend: number; state: string; ms: number } | null> {
  const [row] = await database.query<{ backend: number; state: string; ms: number }>(
    `select pid as backend, state, round(extract(epoch from clock_timestamp() - xact_start) * 1000)::int as ms
       from pg_stat_activity
      where split_part(application_name, ' ', 3) = $1 and backend_xid is not null
      order by xact_start limit 1`,
    [String(pid)],
  )
  return row ?? null
}

/** Waits until the server has noticed the death: what was open is rolled back then. */
export async function sessionsGone(database: TestDatabase, pid: number): Promise<void> {
  await until(
    `the end of the sessions of process ${pid}`,
    async () =>
      (await database.value<number>(
        `select count(*) from pg_stat_activity where split_part(application_name, ' ', 3) = $1`,
        [String(pid)],
      )) === 0,
  )
}
