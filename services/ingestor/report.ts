import type { Pool } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Activity, Doings } from './activity.ts'
import { Doorbell } from './doorbell.ts'
import { errorCode } from './errors.ts'

const EVERY_MS = 1_000
/** Without anything to tell, that it lives is told this often. */
const BEAT_MS = 4_000
const PRUNE_MS = 60_000

export interface Reporting {
  pool: Pool
  owner: string
  activity: Activity
  logger: Logger
}

/**
 * Tells the database once a second what this process did, for those who look on. What cannot be told
 * is dropped: the checkpoint has all that counts.
 */
export async function reportUntilStopped(reporting: Reporting, stop: AbortSignal): Promise<void> {
  const never = new Doorbell()
  let toldAt = Number.NEGATIVE_INFINITY
  let prunedAt = Number.NEGATIVE_INFINITY
  let inFlight = 0
  let deaf: string | null = null
  while (!stop.aborted) {
    const now = performance.now()
    const { rowsInFlight, watchFault } = reporting.activity
    const doings = reporting.activity.take()
    const isNews = doings || rowsInFlight !== inFlight || watchFault !== deaf
    if (isNews || now - toldAt >= BEAT_MS) {
      await attempt(reporting, () => tell(reporting, doings, false))
      inFlight = rowsInFlight
      deaf = watchFault
      toldAt = now
    }
    if (now - prunedAt >= PRUNE_MS) {
      await attempt(reporting, () => prune(reporting.pool))
      prunedAt = now
    }
    await never.wait(EVERY_MS, stop)
  }
  await attempt(reporting, () => tell(reporting, reporting.activity.take(), true))
}

async function attempt({ logger }: Reporting, work: () => Promise<unknown>): Promise<void> {
  await work().catch(error =>
    logger.debug({ code: errorCode(error), error: error.message }, 'the report was not taken'),
  )
}

// By the pool that waits for no disk: what a crash of the server would take is a second of a chart.
async function tell(
  { pool, owner, activity }: Reporting,
  doings: Doings | null,
  stopped: boolean,
): Promise<void> {
  await pool.query(
    `with beat as (
       insert into ingestors as i (owner, rows_in_flight, stopped_at, watch_fault)
       values ($1, $2, case when $3 then clock_timestamp() end, $15)
           on conflict (owner) do update
              set seen_at = clock_timestamp(),
                  rows_in_flight = excluded.rows_in_flight,
                  stopped_at = excluded.stopped_at,
                  watch_fault = excluded.watch_fault
     )
     insert into ingest_activity
       (owner, batches, rows_loaded, rows_duplicate, rows_rejected, bytes, takeovers,
        read_ms, judge_ms, load_ms, commit_ms, latencies_ms)
     select $1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 where $4::integer is not null`,
    [
      owner,
      activity.rowsInFlight,
      stopped,
      doings?.batches,
      doings?.loaded,
      doings?.duplicate,
      doings?.rejected,
      doings?.bytes,
      doings?.takeovers,
      doings?.spentMs.read,
      doings && Math.max(0, doings.spentMs.judge - doings.spentMs.read),
      doings?.spentMs.load,
      doings?.spentMs.commit,
      doings?.latenciesMs,
      activity.watchFault,
    ],
  )
}

async function prune(pool: Pool): Promise<void> {
  await pool.query('select ingest_prune_activity()')
}
