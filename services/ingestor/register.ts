import type { RefuseReason } from '../contract/reasons.ts'
import type { Pool } from '../runtime/database.ts'
import type { FolderClock } from './folder-clock.ts'
import type { Seen } from './read.ts'

export interface Registry {
  pool: Pool
  clock: FolderClock
  /** Told of each file that is refused at sight. */
  onRefused: (file: Refusal) => void
}

export interface Refusal {
  name: string
  reason: RefuseReason
  message: string
}

/** The newest generation of a name, as the checkpoint has it. */
export interface Known extends Seen {
  status: string
  reason: RefuseReason | null
  archived: boolean
}

/** A generation that the checkpoint does not have yet, and why it is refused at sight, if it is. */
export interface NewFile {
  name: string
  generation: number
  seen: Seen
  fault: { reason: RefuseReason; message: string } | null
}

/** The newest generation of each name, where a further one may be due: all but those in work. */
export async function latestGenerations(names: string[], pool: Pool) {
  const { rows } = await pool.query(
    `select name, coalesce(f.generation, 0) as generation, f.status, f.reason,
            f.archived_at is not null as archived, f.size_bytes, f.mtime_ns::text, f.inode::text
       from unnest($1::text[]) as name
       left join lateral (
         select * from ingest_files where file_name = name order by generation desc limit 1
       ) f on true
      where f.status is null or f.status not in ('pending', 'active')`,
    [names],
  )
  return rows.map(row => ({
    name: row.name as string,
    generation: row.generation as number,
    known: row.status === null ? null : knownOf(row),
  }))
}

function knownOf(row: Record<string, never>): Known {
  return {
    status: row.status!,
    reason: row.reason!,
    archived: row.archived!,
    sizeBytes: row.size_bytes!,
    mtimeNs: BigInt(row.mtime_ns!),
    inode: BigInt(row.inode!),
  }
}

/**
 * Registers files as `pending` or `refused`. Another ingestor may register the same generation at the
 * same moment: one row comes of it.
 * @param which `unknown`: only those of whose name there is no generation at all
 * @returns the names that were registered by this call
 */
export async function register(
  found: readonly NewFile[],
  { pool, clock, onRefused }: Registry,
  which: 'any' | 'unknown' = 'any',
): Promise<string[]> {
  if (found.length === 0) return []
  const stillMs = ({ mtimeNs }: Seen) => Math.max(0, clock.now() - Number(mtimeNs / 1_000_000n))
  const { rows } = await pool.query({
    name: 'register',
    text: `insert into ingest_files
       (file_name, generation, size_bytes, mtime_ns, inode, still_since, status, reason, message, finished_at)
     select name, generation, size, mtime, inode,
            clock_timestamp() - least(still_ms, 86400000) * interval '1 ms',
            case when reason is null then 'pending' else 'refused' end, reason, message,
            case when reason is not null then clock_timestamp() end
       from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::numeric[], $6::float8[],
                   $7::text[], $8::text[])
         as f (name, generation, size, mtime, inode, still_ms, reason, message)
       left join lateral (
         select true as known from ingest_files k where k.file_name = f.name limit 1
       ) k on true
      where $9 = 'any' or known is null
      order by mtime, name
         on conflict (file_name, generation) do nothing
     returning file_name as name, reason, message`,
    values: [
      found.map(({ name }) => name),
      found.map(({ generation }) => generation),
      found.map(({ seen }) => seen.sizeBytes),
      found.map(({ seen }) => seen.mtimeNs.toString()),
      found.map(({ seen }) => seen.inode.toString()),
      found.map(({ seen }) => stillMs(seen)),
      found.map(({ fault }) => fault?.reason),
      found.map(({ fault }) => fault?.message),
      which,
    ],
  })
  for (const row of rows) if (row.reason) onRefused(row)
  return rows.map(({ name }) => name)
}
