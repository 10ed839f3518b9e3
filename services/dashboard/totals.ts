import type { Transaction } from '../runtime/database.ts'
import type { Totals } from './shape.ts'

type Sums = Omit<Totals, 'rowsInFlight'>

const REFRESH_MS = 60_000

const SUMS = `
  count(*)                                                              as files_found,
  count(*) filter (where status = 'pending' and byte_offset < size_bytes) as files_waiting,
  count(*) filter (where status = 'active')                             as files_in_work,
  count(*) filter (where status = 'pending' and byte_offset = size_bytes) as files_settling,
  count(*) filter (where status = 'done')                               as files_done,
  count(*) filter (where status = 'refused')                            as files_refused,
  count(*) filter (where status = 'missing')                            as files_missing,
  count(*) filter (where status = 'parked')                             as files_parked,
  sum(size_bytes) filter (where status in ('pending', 'active', 'done')) as bytes_found,
  sum(byte_offset) filter (where status in ('pending', 'active', 'done')) as bytes_read,
  sum(size_bytes - byte_offset) filter (where status = 'pending')       as bytes_waiting,
  sum(size_bytes - byte_offset) filter (where status = 'active')        as bytes_in_work,
  min(discovered_at) filter (where status in ('pending', 'active') and byte_offset < size_bytes)
                                                                        as oldest_waiting_at,
  sum(line_no - lines_blank - (line_no > 0)::integer)                   as rows_read,
  sum(rows_loaded)                                                      as rows_loaded,
  sum(rows_duplicate)                                                   as rows_duplicate,
  sum(rows_rejected)                                                    as rows_rejected,
  max(loaded_at)                                                        as last_commit_at,
  max(discovered_at)                                                    as last_found_at`

/**
 * The sums over all files, without a look at all of them each second: those that ended some time ago
 * do not change, and are summed once a minute. What is left to do and what ended lately have an index.
 */
export class RunningTotals {
  #ended: { sums: Sums; untilMs: number; atMs: number } | null = null

  async read(tx: Transaction, nowMs: number): Promise<Sums> {
    if (!this.#ended || nowMs - this.#ended.atMs > REFRESH_MS) {
      const untilMs = nowMs - REFRESH_MS
      this.#ended = { sums: await endedUntil(tx, untilMs), untilMs, atMs: nowMs }
    }
    return added(this.#ended.sums, await theOthers(tx, this.#ended.untilMs))
  }

  /** Forgets all: another database may be there when this one comes back. */
  reset(): void {
    this.#ended = null
  }
}

async function endedUntil(tx: Transaction, untilMs: number): Promise<Sums> {
  const { rows } = await tx.query(
    `select ${SUMS} from ingest_files
      where status not in ('pending', 'active')
        and (finished_at is null or finished_at <= to_timestamp($1::float8 / 1000))`,
    [untilMs],
  )
  return sumsOf(rows[0])
}

async function theOthers(tx: Transaction, sinceMs: number): Promise<Sums> {
  const { rows } = await tx.query(
    `select ${SUMS} from (
       select * from ingest_files where status in ('pending', 'active')
       union all
       select * from ingest_files
        where finished_at > to_timestamp($1::float8 / 1000) and status not in ('pending', 'active')
     ) as f`,
    [sinceMs],
  )
  return sumsOf(rows[0])
}

function sumsOf(row: Record<string, string | number | Date | null>): Sums {
  const number = (name: string) => Number(row[name] ?? 0)
  const moment = (name: string) => (row[name] as Date | null)?.getTime() ?? null
  return {
    filesFound: number('files_found'),
    filesWaiting: number('files_waiting'),
    filesInWork: number('files_in_work'),
    filesSettling: number('files_settling'),
    filesDone: number('files_done'),
    filesRefused: number('files_refused'),
    filesMissing: number('files_missing'),
    filesParked: number('files_parked'),
    bytesFound: number('bytes_found'),
    bytesRead: number('bytes_read'),
    bytesWaiting: number('bytes_waiting'),
    bytesInWork: number('bytes_in_work'),
    oldestWaitingAtMs: moment('oldest_waiting_at'),
    rowsRead: number('rows_read'),
    rowsLoaded: number('rows_loaded'),
    rowsDuplicate: number('rows_duplicate'),
    rowsRejected: number('rows_rejected'),
    lastCommitAtMs: moment('last_commit_at'),
    lastFoundAtMs: moment('last_found_at'),
  }
}

function added(ended: Sums, others: Sums): Sums {
  const sums: Record<string, number | null> = { ...ended }
  for (const [name, value] of Object.entries(others)) {
    sums[name] = name.endsWith('AtMs') ? latest(sums[name]!, value) : sums[name]! + value!
  }
  return sums as unknown as Sums
}

// `oldestWaitingAtMs` is only ever known of the others: what has ended does not wait.
function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}
