import type { Transaction } from '../runtime/database.ts'
import type { Marker, Point } from './shape.ts'

const SINCE = 'to_timestamp($1::float8 / 1000)'

export type StoredSecond = Pick<
  Point,
  | 't'
  | 'rowsLoaded'
  | 'rowsRejected'
  | 'readMs'
  | 'judgeMs'
  | 'loadMs'
  | 'commitMs'
  | 'p50Ms'
  | 'p95Ms'
  | 'maxMs'
>

/** What the ingestors did, second by second, as they told. */
export async function secondsSince(tx: Transaction, sinceMs: number): Promise<StoredSecond[]> {
  const { rows } = await tx.query(
    `select t, loaded, rejected, read_ms, judge_ms, load_ms, commit_ms, latency
       from (select floor(extract(epoch from at))::bigint as t,
                    sum(rows_loaded)::bigint as loaded, sum(rows_rejected)::bigint as rejected,
                    sum(read_ms) as read_ms, sum(judge_ms) as judge_ms,
                    sum(load_ms) as load_ms, sum(commit_ms) as commit_ms
               from ingest_activity
              where at >= to_timestamp(floor($1::float8 / 1000))
              group by 1) as second
       left join lateral (
             select percentile_cont(array[0.5, 0.95, 1]) within group (order by ms) as latency
               from ingest_activity, unnest(latencies_ms) as ms
              where at >= to_timestamp(t) and at < to_timestamp(t + 1)) as files on true
      order by t`,
    [sinceMs],
  )
  return rows.map(row => ({
    t: row.t,
    rowsLoaded: row.loaded,
    rowsRejected: row.rejected,
    readMs: row.read_ms,
    judgeMs: row.judge_ms,
    loadMs: row.load_ms,
    commitMs: row.commit_ms,
    p50Ms: row.latency?.[0] ?? null,
    p95Ms: row.latency?.[1] ?? null,
    maxMs: row.latency?.[2] ?? null,
  }))
}

/** Bytes that arrived, by second. All files are looked at: once, when a dashboard starts. */
export async function arrivalsSince(
  tx: Transaction,
  sinceMs: number,
): Promise<{ t: number; bytes: number }[]> {
  const { rows } = await tx.query(
    `select floor(extract(epoch from discovered_at))::bigint as t, sum(size_bytes)::bigint as bytes
       from ingest_files
      where discovered_at >= to_timestamp($1::float8 / 1000) and status in ('pending', 'active', 'done')
      group by 1`,
    [sinceMs],
  )
  return rows
}

/** From a file's arrival to its rows in the table, over the last minute. */
export async function freshness(tx: Transaction) {
  const { rows } = await tx.query(
    `select percentile_cont(array[0.5, 0.95, 1]) within group (order by ms) as latency, count(ms) as files
       from ingest_activity, unnest(latencies_ms) as ms
      where at > now() - interval '1 minute'`,
  )
  const { latency, files } = rows[0]
  return latency && { p50Ms: latency[0], p95Ms: latency[1], maxMs: latency[2], files }
}

/** What a chart should be read with: ingestors that came and went, files that did not make it. */
export async function markersSince(tx: Transaction, sinceMs: number): Promise<Marker[]> {
  const { rows } = await tx.query(
    `select extract(epoch from at)::float8 as t, kind, words
       from (select started_at, 'restart', owner
               from ingestors where started_at >= ${SINCE}
             union all
             select stopped_at, 'stop', owner
               from ingestors where stopped_at >= ${SINCE}
             union all
             select at, 'takeover', format('%s took over %s %s', owner, takeovers,
                                           case takeovers when 1 then 'file' else 'files' end)
               from ingest_activity where at >= ${SINCE} and takeovers > 0
             union all
             select finished_at, status, file_name
               from ingest_files where finished_at >= ${SINCE} and status in ('refused', 'parked')
            ) as marker (at, kind, words)
      order by t desc
      limit 200`,
    [sinceMs],
  )
  return rows.reverse()
}
