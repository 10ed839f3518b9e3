import type { Pool } from '../runtime/database.ts'

/** How things stand at one moment, from the database alone. */
export interface Standing {
  at: Date
  paused: { since: Date; by: string; because: string } | null
  files: Record<'pending' | 'active' | 'done' | 'refused' | 'missing' | 'parked', number>
  bytesWaiting: number
  /** Files with bytes that are not loaded; one that is only not known to be complete is none. */
  filesWaiting: number
  oldestWaitingSeconds: number | null
  rows: { read: number; loaded: number; duplicate: number; rejected: number }
  lastMinute: { files: number; rows: number }
  latency: { p50Seconds: number | null; p95Seconds: number | null }
  /** `watchFault` says why one of them finds new files by listing the folder alone. */
  ingestors: { owner: string; files: number; watchFault: string | null }[]
  rejects: { reason: string; column: string | null; open: number }[]
}

export async function standing(pool: Pool): Promise<Standing> {
  const { rows } = await pool.query(
    `select s.*, clock_timestamp() as at, w.*, m.*, l.p50_seconds, l.p95_seconds, i.ingestors, r.rejects
       from ingest_status s,
            lateral (select count(*) as files_waiting,
                            extract(epoch from clock_timestamp() - min(discovered_at))::float8 as oldest_seconds
                       from ingest_files
                      where status in ('pending', 'active') and byte_offset < size_bytes) w,
            lateral (select count(*) as minute_files, coalesce(sum(rows_read), 0)::bigint as minute_rows
                       from ingest_files where finished_at > clock_timestamp() - interval '1 minute') m,
            lateral (select * from ingest_latency where "window" = interval '15 minutes') l,
            lateral (select coalesce(json_agg(o order by owner), '[]') as ingestors from (
                       select a.owner, count(f.file_id)::integer as files,
                              (select watch_fault from ingestors g where g.owner = a.owner) as "watchFault"
                         from (select distinct application_name as owner from pg_stat_activity
                                where datname = current_database() and application_name like 'ingestor %') a
                         left join ingest_files f on f.owner = a.owner and f.status = 'active'
                        group by a.owner) o) i,
            lateral (select coalesce(json_agg(e order by open desc, reason), '[]') as rejects from (
                       select reason, column_name as "column", count(*)::integer as open
                         from user_activity_errors where resolved_at is null
                        group by 1, 2 order by 3 desc limit 20) e) r`,
  )
  const row = rows[0]
  return {
    at: row.at,
    paused: row.paused_at && {
      since: row.paused_at,
      by: row.paused_by,
      because: row.paused_because,
    },
    files: {
      pending: row.files_pending,
      active: row.files_active,
      done: row.files_done,
      refused: row.files_refused,
      missing: row.files_missing,
      parked: row.files_parked,
    },
    bytesWaiting: row.bytes_waiting,
    filesWaiting: row.files_waiting,
    oldestWaitingSeconds: row.oldest_seconds,
    rows: {
      read: row.rows_read,
      loaded: row.rows_loaded,
      duplicate: row.rows_duplicate,
      rejected: row.rows_rejected,
    },
    lastMinute: { files: row.minute_files, rows: row.minute_rows },
    latency: { p50Seconds: row.p50_seconds, p95Seconds: row.p95_seconds },
    ingestors: row.ingestors,
    rejects: row.rejects,
  }
}
