import type { Activity } from './activity.ts'
import { type Batch, type BatchLimits, continues, inBatches } from './batch.ts'
import type { Claim } from './claim.ts'
import { type Committing, commit, type Stored } from './commit.ts'
import type { InFlight } from './inflight.ts'
import { type Judging, segments } from './judge.ts'
import type { Segment } from './segment.ts'
import { timed } from './spent.ts'
import { Turn } from './turn.ts'

export interface Pipeline {
  judging: Judging
  limits: BatchLimits
  committing: Committing
  inFlight: InFlight
  activity: Activity
  onStored: (stored: Stored) => void
}

/**
 * The way of every row. Claimed files are read from their checkpoints and judged line by line, what
 * comes of it is gathered into batches, and each batch is stored by one transaction that moves the
 * checkpoints too. Reading waits for room among the transactions in flight, and nothing else does.
 * @throws the first failure of a batch, when all that were begun have ended; see `commit`
 */
export async function ingest(claims: readonly Claim[], pipeline: Pipeline): Promise<void> {
  const turns: Turn[] = []
  let failed = false
  let last: { batch: Batch; turn: Turn } | null = null

  const batches = inBatches(judged(claims, pipeline.judging), pipeline.limits)
  for (const batch of timed(batches, pipeline.committing.spent)) {
    pipeline.committing.failpoint('mid-read')
    const before = last && continues(last.batch, batch) ? last.turn : null
    const turn = new Turn(before, async turn => {
      const stored = await commit(batch, turn, before, pipeline.committing)
      pipeline.activity.stored(stored)
      pipeline.onStored(stored)
    })
    pipeline.activity.begun(batch)
    turn.committed
      .catch(() => {
        failed = true
      })
      .finally(() => pipeline.activity.ended(batch))
    turns.push(turn)
    last = { batch, turn }
    pipeline.inFlight.add(turn.committed)
    await pipeline.inFlight.room()
    if (failed || pipeline.committing.signal.aborted) break
  }

  await Promise.allSettled(turns.map(({ committed }) => committed))
  await Promise.all(turns.map(({ committed }) => committed))
}

function* judged(claims: readonly Claim[], judging: Judging): Generator<Segment> {
  for (const claim of claims) {
    yield* segments(claim, judging)
  }
}
