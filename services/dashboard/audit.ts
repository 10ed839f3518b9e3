import type { Pool } from '../runtime/database.ts'
import type { Audit } from './shape.ts'

/** So much longer than the audit took is the pause after it: it costs a fiftieth of a core at most. */
const PAUSE_FACTOR = 50
const SHORTEST_PAUSE_MS = 15_000
/** After one that did not end in time. */
const LONG_PAUSE_MS = 600_000
const QUERY_CANCELED = '57014'
const DIFFERENCES_SHOWN = 20

/**
 * Compares the checkpoint with the rows that are really there: a look at the whole table, so it comes
 * now and then, and seldom where the table is large.
 */
export class Auditor {
  readonly #pool: Pool
  readonly #now: () => number
  #dueAt = 0
  #running = false
  #latest: Audit = { state: 'never', atMs: null, tookMs: null, differences: [] }

  /** @param pool whose statements end after some seconds */
  constructor(pool: Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  get latest(): Audit {
    return this.#latest
  }

  /** Begins one where it is time, without waiting for it. */
  beginIfDue(): void {
    if (this.#running || this.#now() < this.#dueAt) return
    this.#running = true
    const begunAt = this.#now()
    void this.#audit(begunAt).finally(() => {
      this.#running = false
    })
  }

  async #audit(begunAt: number): Promise<void> {
    try {
      const { rows } = await this.#pool.query(
        `select file_name as file, what, expected, found,
                extract(epoch from clock_timestamp())::float8 * 1000 as at_ms
           from (select 1) as always left join ingest_discrepancies on true
          limit ${DIFFERENCES_SHOWN}`,
      )
      const tookMs = this.#now() - begunAt
      const differences = rows
        .filter(({ what }) => what !== null)
        .map(({ file, what, expected, found }) => ({ file, what, expected, found }))
      const state = differences.length === 0 ? 'agrees' : 'differs'
      this.#latest = { state, atMs: rows[0].at_ms, tookMs, differences }
      this.#dueAt = this.#now() + Math.max(SHORTEST_PAUSE_MS, tookMs * PAUSE_FACTOR)
    } catch (error) {
      const tooLarge = (error as { code?: string }).code === QUERY_CANCELED
      this.#latest = { ...this.#latest, state: tooLarge ? 'too large' : 'failed', differences: [] }
      this.#dueAt = this.#now() + (tooLarge ? LONG_PAUSE_MS : SHORTEST_PAUSE_MS)
    }
  }
}
