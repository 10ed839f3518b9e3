import { cutConnections, type Pool } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'

/** Of the ten seconds that `docker stop` waits before it kills. */
const FINISH_WITHIN_MS = 5_000
const END_WITHIN_MS = 9_000

/**
 * A server that does not answer must not hold up a stop: a connection that has fallen silent is only given
 * up after a minute. What is in flight is rolled back with it, and done again by whoever is next.
 * @param exitCode of a process that has to end without having heard from the server
 */
export function endInTime(
  stop: AbortSignal,
  { commits, pool, logger }: { commits: Pool; pool: Pool; logger: Logger },
  exitCode: number,
): void {
  const giveUp = () => {
    logger.warn(
      { afterMs: FINISH_WITHIN_MS },
      'not finished in time; what is in flight is given up, and done again by whoever is next',
    )
    cutConnections(commits)
    cutConnections(pool)
  }
  const end = () => {
    logger.warn(
      { afterMs: END_WITHIN_MS },
      'stopped with work unfinished; leases run out by themselves, and whoever is next goes on',
    )
    process.exit(exitCode)
  }
  const onStop = () => {
    setTimeout(giveUp, FINISH_WITHIN_MS).unref()
    setTimeout(end, END_WITHIN_MS).unref()
  }
  stop.addEventListener('abort', onStop, { once: true })
}
