import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 20

/**
 * Waits until `condition` gives something other than false, null or undefined, and returns that.
 * Polls, so that a test takes as long as the thing it waits for and no longer.
 * @throws Error naming `what` (and what was seen last) when the deadline has passed
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 25_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const seen = await condition()
    if (seen !== false && seen !== null && seen !== undefined) return seen as never
    if (performance.now() > end) {
      throw new Error(`waited ${deadlineMs} ms for: ${what}; last seen: ${String(seen)}`)
    }
    await sleep(PAUSE_MS)
  }
}
