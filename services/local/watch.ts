import { setTimeout as sleep } from 'node:timers/promises'
import { connection } from '../runtime/connection.ts'
import { createPool } from '../runtime/database.ts'
import { createLogger } from '../runtime/logger.ts'
import { adviser } from './advice.ts'
import type { Screen } from './screen.ts'
import { sentence } from './sentence.ts'
import { type Snapshot, takeSnapshot } from './snapshot.ts'

const EVERY_MS = 1_000
/** The rate is that of the last seconds. */
const KEPT = 6
/** So many snapshots in a row that failed are not a hiccup. */
const FAILURES = 5

/**
 * Shows how things stand once a second until `stop`, or until the server is gone.
 * @returns 'stopped', or 'gone' where the database has not answered for some seconds
 */
export async function watch(
  url: string,
  screen: Screen,
  stop: AbortSignal,
): Promise<'stopped' | 'gone'> {
  const pool = createPool(
    connection({ DATABASE_URL: url }),
    { applicationName: 'local-status', maxConnections: 1, queryTimeoutMs: 5_000 },
    createLogger('local', 'silent'),
  )
  let recent: Snapshot[] = []
  let failures = 0
  const advise = adviser()
  try {
    while (!stop.aborted && failures < FAILURES) {
      try {
        const now = await takeSnapshot(pool)
        for (const line of advise(recent.at(-1) ?? now, now)) screen.warn(line)
        recent = [...recent, now].slice(-KEPT)
        failures = 0
        screen.status(sentence(recent))
      } catch (error) {
        failures += 1
        screen.status({
          mood: 'bad',
          head: 'PostgreSQL does not answer',
          details: (error as Error).message,
        })
      }
      await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined)
    }
    return stop.aborted ? 'stopped' : 'gone'
  } finally {
    await pool.end()
  }
}
