import type { Pool } from '../runtime/database.ts'
import type { Claim } from './claim.ts'

/**
 * Renews the leases of claims that are still ours: alive is whoever can still say so. A claim whose
 * answer was lost on the way is none that its owner knows of: it must run out, or nobody ever reads it.
 * One that has most of its time before it is left alone: a backlog has thousands.
 */
export async function renewLeases(
  pool: Pool,
  held: Iterable<Claim>,
  leaseMs: number,
): Promise<void> {
  const claims = [...held]
  if (claims.length === 0) return
  await pool.query(
    `update ingest_files set lease_until = clock_timestamp() + $3 * interval '1 ms'
      where file_id in (
        select f.file_id
          from unnest($1::bigint[], $2::bigint[]) as mine (file_id, epoch)
          join ingest_files f using (file_id)
         where row(f.epoch, f.status) is not distinct from row(mine.epoch, 'active')
           and f.lease_until < clock_timestamp() + $3 * interval '0.7 ms'
           for no key update of f skip locked)`,
    [claims.map(({ fileId }) => fileId), claims.map(({ epoch }) => epoch), leaseMs],
  )
}

/** Hands back claims that are still ours, for anyone to take. */
export async function releaseClaims(
  pool: Pool,
  owner: string,
  claims: readonly Claim[],
): Promise<void> {
  await pool.query(
    `${RELEASE} from unnest($2::bigint[], $3::bigint[]) as c (file_id, epoch)
      where f.file_id = c.file_id and f.epoch = c.epoch and f.owner = $1 and f.status = 'active'`,
    [owner, claims.map(({ fileId }) => fileId), claims.map(({ epoch }) => epoch)],
  )
}

/** Hands back everything, at the end of the process. @returns how many files */
export async function releaseAll(pool: Pool, owner: string): Promise<number> {
  const { rowCount } = await pool.query(`${RELEASE} where f.owner = $1 and f.status = 'active'`, [
    owner,
  ])
  return rowCount!
}

const RELEASE = `
  update ingest_files f
     set status = 'pending', owner = null, lease_until = null, attempts = 0, due_at = clock_timestamp()`

/**
 * Ends the sessions of owners whose lease has run out while a transaction of theirs is still open: a
 * process frozen in the middle of a COPY keeps its locks, and no time-out of the server reaches it.
 * Only sessions of the same role, by name, that began their transaction a whole lease ago.
 */
export async function evictFrozen(
  pool: Pool,
  owner: string,
  leaseMs: number,
): Promise<{ pid: number; owner: string }[]> {
  const { rows } = await pool.query(
    `select a.pid, a.application_name as owner, pg_terminate_backend(a.pid)
       from pg_stat_activity a
      where a.application_name in (
              select f.owner from ingest_files f
               where f.status = 'active' and f.lease_until < clock_timestamp() and f.owner <> $1)
        and a.usename = current_user
        and a.xact_start < clock_timestamp() - $2 * interval '1 ms'`,
    [owner, leaseMs],
  )
  return rows.map(row => ({ pid: row.pid, owner: row.owner }))
}

/**
 * Gives parked files another try, alone, once their rest is over. What killed their owners may have
 * been something else. One whose name has newer content by now stays where it is: the newer is tried.
 * @returns their names
 */
export async function retryParked(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query(
    `update ingest_files f set status = 'pending', message = null, finished_at = null
      where file_id in (
        select file_id from ingest_files p
         where status = 'parked' and due_at <= clock_timestamp()
           and not exists (select from ingest_files newer
                            where newer.file_name = p.file_name and newer.generation > p.generation)
           for update skip locked)
     returning file_name`,
  )
  return rows.map(row => row.file_name)
}

/** What is due but could not be claimed (locked, or for another lane) is looked at again after this. */
const HELD_BY_OTHERS_MS = 200

/** Milliseconds until there may be something to claim; Infinity where nothing waits, or all does. */
export async function nextDueMs(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `select extract(epoch from
              min(case status when 'active' then lease_until else due_at end) - clock_timestamp()
            )::float8 * 1000 as ms
       from ingest_files where status in ('pending', 'active') and not exists (select from ingest_paused)`,
  )
  return rows[0].ms === null ? Number.POSITIVE_INFINITY : Math.max(HELD_BY_OTHERS_MS, rows[0].ms)
}
