import type { Pool } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import { type Discovery, lookAtNames } from './discover.ts'
import { Doorbell } from './doorbell.ts'
import { errorCode, triage } from './errors.ts'
import { listen } from './listen.ts'
import { resolveMended } from './reconsider.ts'
import { type Replayed, replayAsked } from './replay.ts'

/** What was said while nobody listened is obeyed after this long. */
export const OBEY_WITHIN_MS = 2_000

/** Looking for rejects that were mended takes a fiftieth of the time at most, however many there are. */
const DUTY = 50

export interface Obeying {
  pool: Pool
  owner: string
  logger: Logger
  discovery: Discovery
  archiveDir: string
  /** Wakes whoever claims: a pause may have ended. */
  onNotice: () => void
}

/**
 * Does what was asked with `ingest_replay()`, and has the lanes look when anything was said. Pausing
 * and skipping need nobody here: claims and commits find out from the tables.
 */
export async function obeyUntilStopped(to: Obeying, stop: AbortSignal): Promise<void> {
  const bell = new Doorbell()
  const onNotice = () => {
    to.onNotice()
    bell.ring()
  }
  const listening = listen(to.pool, onNotice, to.logger, stop)
  let lookAt = 0
  while (!stop.aborted) {
    await obey(to)
    if (performance.now() >= lookAt) lookAt = performance.now() + DUTY * (await lookForMended(to))
    await bell.wait(OBEY_WITHIN_MS, stop)
  }
  await listening
}

function obey(to: Obeying): Promise<void> {
  return unlessUnreachable(to, async () => {
    const replayed: Replayed[] = await replayAsked(to.pool, to.owner, { ...to, ...to.discovery })
    if (replayed.length === 0) return
    for (const { outcome, fileName } of replayed) to.logger.info({ fileName, outcome }, 'replay')
    await lookAtNames(
      replayed.filter(({ done }) => done).map(({ fileName }) => fileName),
      to.discovery,
    )
    to.onNotice()
  })
}

/** @returns how many milliseconds it took */
async function lookForMended(to: Obeying): Promise<number> {
  const startedAt = performance.now()
  await unlessUnreachable(to, async () => {
    const lines = await resolveMended(to.pool)
    if (lines > 0) to.logger.info({ lines }, 'rejected lines came corrected; resolved')
  })
  return performance.now() - startedAt
}

// Nothing here is urgent, and whoever loads says soon enough that the database is away.
async function unlessUnreachable(to: Obeying, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (triage(error) === 'defect') throw error
    to.logger.debug({ code: errorCode(error) }, 'commands cannot be looked for now; trying again')
  }
}
