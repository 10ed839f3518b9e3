import pRetry from 'p-retry'
import type { Logger } from '../runtime/logger.ts'
import { errorCode, triage } from './errors.ts'

export interface Retry {
  /** What is being tried, for the log. */
  what: string
  logger: Logger
  signal: AbortSignal
  /** Told of the fault before each wait, and of its end, so that readiness can follow. */
  onFault?: (what: string, fault: Error | null) => void
}

/**
 * Does `work` until it succeeds, for as long as the database is out of reach or wrongly set up:
 * exponential back-off with jitter, 0.1 s to 10 s. Anything else is thrown at once.
 * @throws the signal's reason, once stopped
 */
export async function retrying<T>(work: () => Promise<T>, retry: Retry): Promise<T> {
  let failed = false
  const running = pRetry(work, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 100,
    maxTimeout: 10_000,
    randomize: true,
    signal: retry.signal,
    shouldRetry: ({ error }) => ['transient', 'configuration', 'folder'].includes(triage(error)),
    onFailedAttempt: ({ error, attemptNumber, retryDelay }) => {
      if (retryDelay === 0 || retry.signal.aborted) return
      failed = true
      retry.onFault?.(retry.what, error)
      const detail = {
        what: retry.what,
        code: errorCode(error),
        error: error.message,
        attempt: attemptNumber,
        retryInMs: Math.round(retryDelay),
      }
      if (triage(error) === 'configuration') {
        retry.logger.error(
          detail,
          'the database refuses this ingestor: its configuration or rights need mending',
        )
      } else if (triage(error) === 'transient') {
        retry.logger.warn(detail, 'the database cannot be used now; trying again')
      } else if (triage(error) === 'folder') {
        retry.logger.error(detail, 'the input folder cannot be read; trying again')
      }
    },
  })
  try {
    return await running
  } finally {
    if (failed) retry.onFault?.(retry.what, null)
  }
}
