import type { Pool } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import { type Appetite, type Claim, claimFiles } from './claim.ts'
import type { Doorbell } from './doorbell.ts'
import { Fenced } from './errors.ts'
import { nextDueMs, releaseClaims } from './lease.ts'
import { ingest, type Pipeline } from './pipeline.ts'
import { type Retry, retrying } from './retry.ts'

/** Files of one claim at most, and the bytes at which a claim is large enough. */
const CLAIM_FILES = 512
const CLAIM_BYTES = 8 * 1024 * 1024

export interface Lane {
  pool: Pool
  owner: string
  leaseMs: number
  /** How long to wait for work before looking again without being told of any. */
  idleMs: number
  /** Whether this lane is the one that takes files whose owner died with them. */
  suspects: boolean
  pipeline: Pipeline
  work: Doorbell
  logger: Logger
  retry: Omit<Retry, 'what'>
  /** The claims of all lanes that are in work: what the process is alive for. */
  held: Set<Claim>
  onClaimed: (claims: readonly Claim[]) => void
  onFenced: (files: number) => void
}

/** Claims and ingests until stopped. Two lanes keep a large file from holding up small ones. */
export async function runLane(lane: Lane, stop: AbortSignal): Promise<void> {
  const bornAt = lane.pipeline.judging.now()
  try {
    while (!stop.aborted) {
      const claims = await claimSome(lane, bornAt)
      if (claims.length > 0) await ingestClaims(claims, lane)
      else await lane.work.wait(await untilDue(lane), stop)
    }
  } catch (error) {
    if (!stop.aborted) throw error
  }
}

async function claimSome(lane: Lane, bornAt: number): Promise<Claim[]> {
  const { now } = lane.pipeline.judging
  // A process that has lived through a whole lease is not about to die of something else, as one of
  // a row that crashes at the start is: only such a one is a fair trial for a file that is suspected.
  const isSeasoned = now() - bornAt >= lane.leaseMs
  const appetite: Appetite = {
    ...lane,
    files: CLAIM_FILES,
    bytes: CLAIM_BYTES,
    suspects: lane.suspects ? (isSeasoned ? 'all' : 'new') : 'none',
    onParked: files => lane.logger.error({ files }, 'parked: each owner of these files died'),
  }
  const claim = () => claimFiles(lane.pool, appetite, now)
  const claims = await retrying(claim, { what: 'claim', ...lane.retry })
  if (claims.length > 0) lane.onClaimed(claims)
  return claims
}

// Whatever is in memory of a claim that failed is thrown away: the checkpoint is the truth, and
// whoever claims the file next begins there.
async function ingestClaims(claims: readonly Claim[], lane: Lane): Promise<void> {
  for (const claim of claims) lane.held.add(claim)
  try {
    await ingest(claims, lane.pipeline)
  } catch (error) {
    if (!(error instanceof Fenced)) throw error
    lane.logger.warn({ fileIds: error.fileIds }, 'fenced')
    lane.onFenced(error.fileIds.length)
    const release = () => releaseClaims(lane.pool, lane.owner, claims)
    await retrying(release, { what: 'release', ...lane.retry })
  } finally {
    for (const claim of claims) lane.held.delete(claim)
  }
}

async function untilDue(lane: Lane): Promise<number> {
  const ask = () => nextDueMs(lane.pool)
  return Math.min(lane.idleMs, await retrying(ask, { what: 'claim', ...lane.retry }))
}
