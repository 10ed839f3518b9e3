import type { Pool } from '../runtime/database.ts'

/** How things stand at one moment, from the database alone. */
export interface Snapshot {
  /** Milliseconds of a clock that only goes forward. */
  readonly atMs: number
  readonly rowsLoaded: number
  readonly rowsDuplicate: number
  readonly rowsRejected: number
  /** Files with bytes that are not loaded; one that is only not known to be complete is none. */
  readonly filesWaiting: number
  readonly filesRefused: number
  readonly filesParked: number
  /** Seconds since the oldest waiting file was found; null where none waits. */
  readonly oldestWaitingS: number | null
  /** Seconds between the newest event's own time and now; null where there is no row. */
  readonly newestAgeS: number | null
}

/** One query, cheap at any size of the table. */
export async function takeSnapshot(pool: Pool): Promise<Snapshot> {
  // Rows are only ever appended, so the newest are in the last blocks, among those of the
  // transactions in flight: a range of ctid reads 8 MB at most, where max(event_time) over the
  // block-range index would read all that is not summarised yet. In a select of its own, because
  // the size is volatile, and a bound that is makes a scan of the whole table of it.
  const { rows } = await pool.query(
    `select rows_loaded, rows_duplicate, rows_rejected,
            files_refused, files_parked, files_waiting, oldest_waiting_s,
            (select extract(epoch from clock_timestamp() - max(event_time))::float8
               from user_activity
              where ctid >= (select format('(%s,0)', greatest(pg_relation_size('user_activity') / 8192 - 1024, 0))::tid)
                and event_time <= clock_timestamp()) as newest_age_s
       from ingest_status,
            lateral (select count(*) as files_waiting,
                            extract(epoch from clock_timestamp() - min(discovered_at))::float8 as oldest_waiting_s
                       from ingest_files
                      where status in ('pending', 'active') and byte_offset < size_bytes) as waiting`,
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
    oldestWaitingS: row.oldest_waiting_s,
    newestAgeS: row.newest_age_s,
  }
}
