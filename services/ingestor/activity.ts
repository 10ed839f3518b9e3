import type { Batch } from './batch.ts'
import type { Claim } from './claim.ts'
import type { Stored } from './commit.ts'
import type { Stage } from './spent.ts'

/** So many of a second are kept; beyond that every one has the same chance to be among them. */
const LATENCIES_KEPT = 500

/** What a process did since it last told of it. */
export interface Doings {
  batches: number
  loaded: number
  duplicate: number
  rejected: number
  bytes: number
  takeovers: number
  /** Of judging, reading is a part. */
  spentMs: Record<Stage | 'read', number>
  latenciesMs: number[]
}

/** Counts what an ingestor does, for those who look on. Nothing of the work depends on it. */
export class Activity {
  /** Why new files are found by listing the folder alone; null while they are heard of. */
  watchFault: string | null = null
  readonly #now: () => number
  readonly #chance: () => number
  #doings = nothing()
  #latencies = 0
  /** Rows that are read and judged, and not committed yet. */
  rowsInFlight = 0

  constructor(now: () => number, chance: () => number = Math.random) {
    this.#now = now
    this.#chance = chance
  }

  spent(stage: Stage, ms: number): void {
    this.#doings.spentMs[stage] += ms
  }

  read(ms: number): void {
    this.#doings.spentMs.read += ms
  }

  /** Read and judged: the batch is in flight. */
  begun(batch: Batch): void {
    this.rowsInFlight += rowsOf(batch)
  }

  /** Stored or given up: the batch is in flight no more. */
  ended(batch: Batch): void {
    this.rowsInFlight -= rowsOf(batch)
  }

  claimed(claims: readonly Claim[]): void {
    this.#doings.takeovers += claims.filter(({ takenOver }) => takenOver).length
  }

  stored({ moves }: Stored): void {
    const doings = this.#doings
    doings.batches++
    for (const { claim, from, to, loaded, duplicate, rejected, next } of moves) {
      doings.loaded += loaded
      doings.duplicate += duplicate
      doings.rejected += rejected
      doings.bytes += to - from
      // The end of a file may come in a batch of its own, without a row.
      const isRead = next.status === 'done' || next.status === 'pending'
      if (isRead && to > claim.byteOffset)
        this.#keepLatency(claim.waitedMs + this.#now() - claim.claimedAt)
    }
  }

  /** What was done since the last time; null where it was nothing. */
  take(): Doings | null {
    const taken = this.#doings
    if (taken.batches === 0 && taken.takeovers === 0) return null
    this.#doings = nothing()
    this.#latencies = 0
    return taken
  }

  #keepLatency(ms: number): void {
    const kept = this.#doings.latenciesMs
    const place = Math.floor(this.#chance() * ++this.#latencies)
    if (kept.length < LATENCIES_KEPT) kept.push(ms)
    else if (place < LATENCIES_KEPT) kept[place] = ms
  }
}

function rowsOf({ rows, rejects }: Batch): number {
  return rows + rejects
}

function nothing(): Doings {
  return {
    ...{ batches: 0, loaded: 0, duplicate: 0, rejected: 0, bytes: 0, takeovers: 0 },
    spentMs: { read: 0, judge: 0, load: 0, commit: 0, archive: 0 },
    latenciesMs: [],
  }
}
