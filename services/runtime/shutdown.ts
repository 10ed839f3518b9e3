import { constants } from 'node:os'
import type { Logger } from './logger.ts'

/**
 * npm passes Ctrl-C on to a process that has it from the terminal already: within this time a second
 * signal is the first one again, and no person's.
 */
const SAME_SIGNAL_MS = 500

/**
 * One signal for everything that was started. The first SIGINT or SIGTERM aborts it, so that work in
 * hand is finished or rolled back; the second ends the process at once with 128 + the signal's number.
 */
export function stopOnSignals(logger: Logger): AbortSignal {
  const stop = new AbortController()
  let firstAt = Number.NaN
  const onSignal = (name: 'SIGINT' | 'SIGTERM') => {
    if (stop.signal.aborted) {
      if (performance.now() - firstAt < SAME_SIGNAL_MS) return
      logger.warn({ signal: name }, 'second signal: stopping at once')
      process.exit(128 + constants.signals[name])
    }
    logger.info({ signal: name }, 'stopping; a second signal stops at once')
    firstAt = performance.now()
    stop.abort(name)
  }
  process.on('SIGINT', () => onSignal('SIGINT'))
  process.on('SIGTERM', () => onSignal('SIGTERM'))
  return stop.signal
}

/** A fault in the program itself: say it once, then end, so that the supervisor starts it anew. */
export function exitOnDefect(logger: Logger): void {
  const die = (error: unknown) => {
    logger.fatal({ err: error }, 'a defect in the program; exiting')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
}
