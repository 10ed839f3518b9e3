import type { Pool } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import { Doorbell } from './doorbell.ts'
import { errorCode, triage } from './errors.ts'

const EVERY_MS = 300_000
/** It reads all of user_activity, so it takes at most a hundredth of the time. */
const DUTY = 100

/**
 * Counts `ingest_discrepancies` now and then, so that a metric can tell of what should never be.
 * @param onCounted null where it could not be counted: the tables are too large for one statement
 */
export async function countDiscrepancies(
  pool: Pool,
  logger: Logger,
  onCounted: (discrepancies: number | null) => void,
  stop: AbortSignal,
): Promise<void> {
  const never = new Doorbell()
  while (!stop.aborted) {
    const startedAt = performance.now()
    try {
      const { rows } = await pool.query('select count(*) as n from ingest_discrepancies')
      onCounted(rows[0].n)
      if (rows[0].n > 0)
        logger.error({ discrepancies: rows[0].n }, 'the tables differ from the checkpoint')
    } catch (error) {
      if (triage(error) === 'defect') throw error
      logger.debug({ code: errorCode(error) }, 'discrepancies cannot be counted now')
      onCounted(null)
    }
    await never.wait(Math.max(EVERY_MS, DUTY * (performance.now() - startedAt)), stop)
  }
}
