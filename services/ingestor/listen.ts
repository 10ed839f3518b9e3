import type { Client, Pool } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import { Doorbell } from './doorbell.ts'

const AGAIN_MS = 2_000

/**
 * Hears NOTIFY on `ingest_control` until stopped. A hint and no more: whoever is told also looks by
 * himself every two seconds, so a connection that is lost, or silent, costs that much and is simply
 * made again.
 */
export async function listen(
  pool: Pool,
  onNotice: () => void,
  logger: Logger,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const ended = new Doorbell()
    let client: Client | null = null
    try {
      client = await pool.connect()
      client.on('notification', onNotice)
      client.on('end', () => ended.ring())
      await client.query('listen ingest_control')
      await ended.wait(2 ** 31 - 1, stop)
    } catch (error) {
      logger.debug({ err: error }, 'cannot listen for commands now; they are looked for instead')
    } finally {
      // Thrown away, not reused: nobody else must hear what it listens for.
      client?.release(true)
    }
    await new Doorbell().wait(AGAIN_MS, stop)
  }
}
