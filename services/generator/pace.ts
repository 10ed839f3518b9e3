import { setTimeout as sleep } from 'node:timers/promises'

/** Either a fixed time from file to file, or as many events a second as asked for. */
export type Pace = { readonly intervalMs: number } | { readonly eventsPerSecond: number }

/** Being late by more than this (a suspended laptop, a full disk) is forgotten, not caught up. */
const MAX_LAG_MS = 10_000
/** Above 2^31 ms, setTimeout does not wait at all. */
const LONGEST_SLEEP_MS = 3_600_000

/**
 * Waits for each file's turn. Every turn is due at a time counted from the turn before, not from the
 * end of the work, so that what the work costs does not slow the pace down.
 * @returns a function that takes the events of the last file (0 before the first), and returns when
 *   the next is due or when the signal stops it
 */
export function createPace(
  pace: Pace,
  stop: AbortSignal,
  nowMs: () => number = () => performance.now(),
): (eventsBefore: number) => Promise<void> {
  let dueMs: number | undefined
  return async eventsBefore => {
    dueMs = dueMs === undefined ? nowMs() : dueMs + stepMs(pace, eventsBefore)
    if (nowMs() - dueMs > MAX_LAG_MS) dueMs = nowMs()
    while (!stop.aborted && nowMs() < dueMs) {
      const leftMs = Math.min(dueMs - nowMs(), LONGEST_SLEEP_MS)
      await sleep(leftMs, undefined, { signal: stop }).catch(() => undefined)
    }
  }
}

function stepMs(pace: Pace, events: number): number {
  if ('intervalMs' in pace) return pace.intervalMs
  // A file of no events must cost some time too, or an endless run of them would never pause.
  return (Math.max(events, 1) / pace.eventsPerSecond) * 1000
}
