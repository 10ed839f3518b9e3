import type { Pool } from '../runtime/database.ts'

/** How things stand at one moment, from the database alone. */
export interface Snapshot {
  /** Milliseconds of a clock that only goes forward. */
  readonly atMs: number
  readonly rowsLoaded: number
  readonly rowsDuplicate: number
  readonly rowsRejected: number
  readonly filesWaiting: number
  readonly filesRefused: number
  readonly filesParked: number
  readonly bytesWaiting: number
  /** Seconds since the oldest waiting file was found; null where none waits. */
  readonly oldestWaitingS: number | null
  /** Seconds between the newest event's own time and now; null where there is no row. */
  readonly newestAgeS: number | null
}

/** One query, cheap at any size of the table. */
export async function takeSnapshot(pool: Pool): Promise<Snapshot> {
  // Rows are only ever appended, so the newest are in the last blocks: a range of ctid reads these
  // 64 kB, where max(event_time) over the block-range index would read all that is not summarised.
  const { rows } = await pool.query(
    `select rows_loaded, rows_duplicate, rows_rejected,
            files_pending + files_active as files_waiting, files_refused, files_parked, bytes_waiting,
            extract(epoch from clock_timestamp() - oldest_waiting_since)::float8 as oldest_waiting_s,
            (select extract(epoch from clock_timestamp() - max(event_time))::float8
               from user_activity
              where ctid >= format('(%s,0)', greatest(pg_relation_size('user_activity') / 8192 - 8, 0))::tid
                and event_time <= clock_timestamp()) as newest_age_s
       from ingest_status`,
  )
  const row = rows[0]
  return {
    atMs: performance.now(),
    rowsLoaded: row.rows_loaded,
    rowsDuplicate: row.rows_duplicate,
    rowsRejected: row.rows_rejected,
    filesWaiting: row.files_waiting,
    filesRefused: row.files_refused,
    filesParked: row.files_parked,
    bytesWaiting: row.bytes_waiting,
    oldestWaitingS: row.oldest_waiting_s,
    newestAgeS: row.newest_age_s,
  }
}
