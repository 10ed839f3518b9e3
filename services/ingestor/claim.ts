import type { Column } from '../contract/event.ts'
import type { Pool } from '../runtime/database.ts'
import type { Seen } from './read.ts'

/** A file that this process owns until its lease ends or `epoch` is no longer the row's. */
export interface Claim {
  readonly fileId: number
  readonly fileName: string
  readonly generation: number
  readonly epoch: number
  readonly byteOffset: number
  readonly lineNo: number
  readonly tailBytes: number
  readonly tailHash: Buffer | null
  /** The order of the header, once it is known. */
  readonly columns: Column[] | null
  readonly discoveredAt: Date
  /** Since it was found, or last changed, in milliseconds at `claimedAt`. */
  readonly waitedMs: number
  /** Whether its owner before did not live to finish it. */
  readonly takenOver: boolean
  /** What the folder showed last, and for how long it had been so, in milliseconds at `claimedAt`. */
  readonly seen: Seen
  readonly stillMs: number
  /** Monotonic milliseconds. */
  readonly claimedAt: number
}

export interface Appetite {
  owner: string
  leaseMs: number
  files: number
  /** Claims stop at the file that reaches this sum of bytes left to read. */
  bytes: number
  /** Of the files whose owner died with them: none, those that were never claimed alone, or all. */
  suspects: 'none' | 'new' | 'all'
  /** Claims that are in work here: held up beyond their lease, they are no other's to go on with yet. */
  held: Iterable<Claim>
  /** Told of files that were set aside instead of claimed. */
  onParked: (files: readonly Parked[]) => void
}

export interface Parked {
  fileId: number
  fileName: string
  message: string
}

/** Claims alone and without progress after which a file is parked. */
export const MAX_ATTEMPTS = 3

/** Two leases, then four times as long after each further death, a day at most. */
const REST_ENDS = `(clock_timestamp() + least(
  $2 * interval '2 ms' * power(4, least(attempts - ${MAX_ATTEMPTS}, 12)), interval '1 day'))`

/** Claims alone and without progress up to which a suspect is taken. */
const MOST_ATTEMPTS = { none: -1, new: 0, all: 2_147_483_647 }

/**
 * Takes the oldest files that are due, or whose owner's lease has run out, and raises their epoch:
 * whoever had them before can commit nothing for them any more. A file that is taken over may be
 * what ended its owner, so it is claimed with no other beside it; after three such claims without
 * progress it is parked, and rests longer each time: see docs/decisions/0011. The least suspected
 * goes first: kills that have nothing to do with a file then fall on another one each time, where the
 * oldest first would be parked for them.
 */
export async function claimFiles(
  pool: Pool,
  appetite: Appetite,
  now: () => number,
): Promise<Claim[]> {
  const { rows } = await pool.query({
    name: 'claim',
    text: `with candidate as materialized (
       select file_id, status = 'active' as taken_over,
              status = 'active' or attempts > 0 as suspect, attempts,
              size_bytes - byte_offset as bytes_left, due_at
         from ingest_files
        where status in ('pending', 'active')
          and (status = 'pending' or lease_until < clock_timestamp())
          and due_at <= clock_timestamp()
          and file_id <> all ($6::bigint[])
          and (status = 'pending' and attempts = 0 or attempts <= $5)
          and not exists (select from ingest_paused)
        order by due_at, file_id
        limit $3
          for update skip locked
     ), ranked as (
       select file_id, taken_over, suspect, taken_over and attempts >= ${MAX_ATTEMPTS} as spent,
              sum(bytes_left) over w - bytes_left as bytes_before,
              row_number() over w as place
         from candidate
       window w as (order by suspect desc, attempts, due_at, file_id)
     ), chosen as (
       select file_id, taken_over, suspect, spent from ranked
        where bytes_before < $4
          and (place = 1 or not exists (select from ranked where suspect))
     )
     update ingest_files f
        set status = case when spent then 'parked' else 'active' end,
            message = case when spent
              then format('parked after %s claims without progress, the last by %s; tried again after %s UTC',
                          attempts, owner, to_char(${REST_ENDS} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')) end,
            owner = case when not spent then $1 end,
            claimed_by = case when spent then claimed_by else $1 end,
            lease_until = case when not spent then clock_timestamp() + $2 * interval '1 ms' end,
            due_at = case when spent then ${REST_ENDS} else due_at end,
            finished_at = case when spent then clock_timestamp() end,
            epoch = epoch + 1,
            attempts = attempts + (suspect and not spent)::integer,
            started_at = coalesce(started_at, clock_timestamp())
       from chosen
      where f.file_id = chosen.file_id
     returning f.file_id, f.file_name, f.generation, f.epoch, f.byte_offset, f.line_no, f.tail_bytes,
               f.tail_hash, f.columns, f.size_bytes, f.mtime_ns::text, f.inode::text, f.status, f.message,
               f.discovered_at, f.due_at, f.attempts, chosen.taken_over,
               extract(epoch from clock_timestamp() - greatest(f.discovered_at, f.still_since))::float8
                 * 1000 as waited_ms,
               extract(epoch from clock_timestamp() - f.still_since)::float8 * 1000 as still_ms`,
    values: [
      appetite.owner,
      appetite.leaseMs,
      appetite.files,
      appetite.bytes,
      MOST_ATTEMPTS[appetite.suspects],
      [...appetite.held].map(({ fileId }) => fileId),
    ],
  })
  const claimedAt = now()
  const parked = rows.filter(row => row.status === 'parked')
  if (parked.length > 0)
    appetite.onParked(
      parked.map(row => ({ fileId: row.file_id, fileName: row.file_name, message: row.message })),
    )
  return rows
    .filter(row => row.status === 'active')
    .sort((a, b) => a.due_at - b.due_at || a.file_id - b.file_id)
    .map(row => ({
      fileId: row.file_id,
      fileName: row.file_name,
      generation: row.generation,
      epoch: row.epoch,
      byteOffset: row.byte_offset,
      lineNo: row.line_no,
      tailBytes: row.tail_bytes,
      tailHash: row.tail_hash,
      columns: row.columns,
      discoveredAt: row.discovered_at,
      waitedMs: row.waited_ms,
      takenOver: row.taken_over,
      seen: { sizeBytes: row.size_bytes, mtimeNs: BigInt(row.mtime_ns), inode: BigInt(row.inode) },
      stillMs: row.still_ms,
      claimedAt,
    }))
}
