import type { Pool } from '../runtime/database.ts'

/** What waits, and whether anyone may take it, as it stands in the database for all ingestors. */
export interface Backlog {
  files: number
  bytes: number
  /** Seconds since the epoch; 0 where nothing waits. */
  oldestSince: number
  parked: number
  paused: boolean
}

/** Longer, and a scrape would run into its own time-out. */
const LONGEST_MS = 3_000

/** One look at the partial index of what is unfinished, however many files ever were. */
export async function backlog(pool: Pool): Promise<Backlog> {
  const looking = pool.query(
    `select count(*) as files, coalesce(sum(size_bytes - byte_offset), 0)::bigint as bytes,
            coalesce(extract(epoch from min(discovered_at)), 0)::float8 as oldest,
            (select count(*) from ingest_files where status = 'parked') as parked,
            exists (select from ingest_paused) as paused
       from ingest_files where status in ('pending', 'active') and byte_offset < size_bytes`,
  )
  looking.catch(() => {})
  const { rows } = await Promise.race([
    looking,
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('no answer')), LONGEST_MS).unref()
    }),
  ])
  const { files, bytes, oldest, parked, paused } = rows[0]
  return { files, bytes, oldestSince: oldest, parked, paused }
}
