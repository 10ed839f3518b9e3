import { inTransaction, type Pool, type Transaction } from '../runtime/database.ts'
import { requireSchema } from '../runtime/migrations.ts'
import { lookAtIngestors } from './ingestors.ts'
import { recentFiles } from './recent.ts'
import { groupRejects } from './rejects.ts'
import { KEPT_SECONDS } from './ring.ts'
import {
  arrivalsSince,
  freshness,
  markersSince,
  type StoredSecond,
  secondsSince,
} from './seconds.ts'
import type { Ingestor, Marker, Rates, RecentFile, Rejects, Seen, Totals } from './shape.ts'
import { RunningTotals } from './totals.ts'

/** What one look at the database shows, all of it as of the same moment. */
export interface Snapshot {
  nowMs: number
  /** From here on the seconds are told. */
  sinceMs: number
  totals: Totals
  freshness: Rates['freshness']
  ingestors: Ingestor[]
  files: RecentFile[]
  rejects: Rejects
  paused: Seen['paused']
  seconds: StoredSecond[]
  markers: Marker[]
  /** With the first look only: what arrived in the last 15 minutes. */
  arrivals: { t: number; bytes: number }[] | null
}

/** Ingestors tell of a second when it is over, and their clocks are the database's. */
const LATE_NEWS_MS = 6_000
/** Where nothing was rejected, what is resolved is noticed after this. */
const REJECTS_MS = 10_000

/** Looks at the database once a second, for everyone who looks at the page. */
export class Rounds {
  readonly #pool: Pool
  readonly #totals = new RunningTotals()
  #begun = false
  #rejects: { of: number; atMs: number; value: Rejects } | null = null

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** @throws what the driver throws; ConfigurationError where the schema is another one */
  async look(): Promise<Snapshot> {
    if (!this.#begun) await requireSchema(this.#pool)
    const snapshot = await inTransaction(this.#pool, async tx => {
      // One snapshot for all: the sums of the page add up at every moment.
      await tx.query('set transaction isolation level repeatable read, read only')
      return this.#lookWithin(tx)
    })
    this.#begun = true
    return snapshot
  }

  /** After a failure everything is read anew. */
  reset(): void {
    this.#begun = false
    this.#totals.reset()
    this.#rejects = null
  }

  async #lookWithin(tx: Transaction): Promise<Snapshot> {
    const nowMs = await clock(tx)
    const sinceMs = this.#begun ? nowMs - LATE_NEWS_MS : nowMs - KEPT_SECONDS * 1000
    const sums = await this.#totals.read(tx, nowMs)
    const { ingestors, rowsInFlight } = await lookAtIngestors(tx, nowMs)
    return {
      nowMs,
      sinceMs,
      totals: { ...sums, rowsInFlight },
      freshness: await freshness(tx),
      ingestors,
      files: await recentFiles(tx),
      rejects: await this.#rejectsOf(tx, sums.rowsRejected, nowMs),
      paused: await whoPaused(tx),
      seconds: await secondsSince(tx, sinceMs),
      markers: await markersSince(tx, sinceMs),
      arrivals: this.#begun ? null : await arrivalsSince(tx, sinceMs),
    }
  }

  async #rejectsOf(tx: Transaction, rejected: number, nowMs: number): Promise<Rejects> {
    const known = this.#rejects
    if (known?.of === rejected && nowMs - known.atMs < REJECTS_MS) return known.value
    const value = await groupRejects(tx)
    this.#rejects = { of: rejected, atMs: nowMs, value }
    return value
  }
}

async function whoPaused(tx: Transaction): Promise<Seen['paused']> {
  const { rows } = await tx.query('select paused_by as by, reason from ingest_paused')
  return rows[0] ?? null
}

async function clock(tx: Transaction): Promise<number> {
  const { rows } = await tx.query(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  )
  return rows[0].ms
}
