import type { Pool } from '../runtime/database.ts'
import { ConfigurationError } from '../runtime/env.ts'
import { makeFolder } from '../runtime/folder.ts'
import type { Logger } from '../runtime/logger.ts'
import { Activity } from './activity.ts'
import { Archiver } from './archiver.ts'
import type { Claim } from './claim.ts'
import type { Stored } from './commit.ts'
import type { Config } from './config.ts'
import type { Discovery } from './discover.ts'
import { Doorbell } from './doorbell.ts'
import { errorCode, triage } from './errors.ts'
import type { Failpoint } from './failpoint.ts'
import { FolderClock } from './folder-clock.ts'
import type { Faults } from './health.ts'
import { InFlight } from './inflight.ts'
import { countDiscrepancies } from './integrity.ts'
import { type Lane, runLane } from './lane.ts'
import { evictFrozen, releaseAll, renewLeases, retryParked } from './lease.ts'
import type { Metrics } from './metrics.ts'
import { OBEY_WITHIN_MS, obeyUntilStopped } from './obey.ts'
import type { Pipeline } from './pipeline.ts'
import type { Refusal } from './register.ts'
import { reportUntilStopped } from './report.ts'
import type { Spent } from './spent.ts'
import { sweepUntilStopped } from './sweeper.ts'

const BATCH_BYTES = 8 * 1024 * 1024
const BATCH_SEGMENTS = 4_000
/** A takeover comes this much after the end of a lease, at most, where the owner's locks are in the way. */
const LOOK_FOR_FROZEN_MS = 2_000

export interface Ingestor {
  config: Config
  /** For transactions that store rows: what they commit is on disk. */
  commits: Pool
  /** For all else, none of which a crash of the server can harm: see docs/decisions/0009. */
  pool: Pool
  logger: Logger
  faults: Faults
  failpoint: (point: Failpoint) => void
  metrics: Metrics
  /** Nobody stays to look at what only a long run wants to know. */
  once?: boolean
  onStored: (stored: Stored) => void
  onRefused: (file: Refusal) => void
}

/** Everything that ingests, wired together and running until stopped. */
export async function runIngestor(ingestor: Ingestor, stop: AbortSignal): Promise<void> {
  const { config, pool, logger, faults, failpoint, metrics } = ingestor
  const work = new Doorbell()
  const held = new Set<Claim>()
  const now = () => performance.now()
  const activity = new Activity(now)
  const spent: Spent = (stage, ms) => {
    metrics.spent(stage, ms)
    activity.spent(stage, ms)
  }
  // One part that fails for good takes the others down with it, in order.
  const broken = new AbortController()
  const ending = AbortSignal.any([stop, broken.signal])
  const onFault = (what: string, fault: Error | null) => {
    if (fault) metrics.retried(what)
    faults.report(`database: ${what}`, fault && faultText(fault))
  }
  const retry = { logger, signal: ending, onFault }
  const archiver = new Archiver(
    { ...config, pool, failpoint, spent: metrics.spent },
    logger,
    fault => faults.report('archive', fault),
  )
  const pipeline: Pipeline = {
    judging: { ...config, now, onRead: ms => activity.read(ms) },
    limits: { batchRows: config.batchRows, batchBytes: BATCH_BYTES, batchSegments: BATCH_SEGMENTS },
    committing: {
      ...retry,
      pool: ingestor.commits,
      owner: config.owner,
      leaseMs: config.leaseMs,
      mode: { current: 'copy' },
      underWay: new Set(),
      failpoint,
      spent,
    },
    inFlight: new InFlight(config.connections),
    activity,
    onStored: stored => {
      archiver.add(stored)
      ingestor.onStored(stored)
    },
  }
  const lane = (suspects: boolean): Lane => ({
    ...{ pool, pipeline, work, held, logger, retry, suspects },
    owner: config.owner,
    leaseMs: config.leaseMs,
    idleMs: Math.min(config.sweepMs, config.leaseMs / 2, OBEY_WITHIN_MS),
    onClaimed: claims => {
      activity.claimed(claims)
      failpoint('after-claim')
    },
    onFenced: files => metrics.fenced(files),
  })
  const onDeaf = (why: string | null) => {
    activity.watchFault = why
    metrics.deaf(why !== null)
  }
  const sweeping = {
    ...{ ...discovery(ingestor), ...config, logger, retry },
    ...{ onFound: (files: number) => (files === 1 ? work.ringOne() : work.ring()), onDeaf },
  }

  const part = (running: Promise<void>) =>
    running.catch(error => {
      if (ending.aborted && error === ending.reason) return
      broken.abort(error)
      throw error
    })
  const parts = [
    part(runLane(lane(true), ending)),
    part(runLane(lane(false), ending)),
    part(sweepUntilStopped(sweeping, ending)),
    part(keepLeases(ingestor, held, work, ending)),
    ...(ingestor.once
      ? []
      : [part(countDiscrepancies(pool, logger, found => metrics.discrepancies(found), ending))]),
    part(
      obeyUntilStopped(
        { ...ingestor, ...config, discovery: sweeping, onNotice: () => work.ring() },
        ending,
      ),
    ),
  ]
  const archiving = part(archiver.run(ending))
  const reporting = reportUntilStopped({ pool, owner: config.owner, activity, logger }, ending)
  await Promise.allSettled(parts)
  await archiving
  const releasing = releaseAll(pool, config.owner).catch(error =>
    logger.warn(
      { error: error.message },
      'leases could not be released; they run out by themselves',
    ),
  )
  await Promise.all([releasing, reporting])
  await Promise.all(parts)
}

/** What a sweep needs, for `run --once` too. */
export function discovery({ pool, config, onRefused }: Ingestor): Discovery {
  return { pool, inputDir: config.inputDir, clock: new FolderClock(config.inputDir), onRefused }
}

/** @throws ConfigurationError naming each folder that cannot be made */
export function makeFolders(config: Config): void {
  const faults = [config.inputDir, config.archiveDir, config.refusedDir].flatMap(folder => {
    try {
      makeFolder(folder)
      return []
    } catch (error) {
      return [
        `${folder}: expected a folder or the right to make it, found ${errorCode(error)}; DATA_DIR says where it is`,
      ]
    }
  })
  if (faults.length > 0) throw new ConfigurationError(faults)
}

/** Says that this process is alive, and looks after the files of owners that are not. */
async function keepLeases(
  { config, pool, logger, metrics }: Ingestor,
  held: ReadonlySet<Claim>,
  work: Doorbell,
  stop: AbortSignal,
): Promise<void> {
  const never = new Doorbell()
  while (!stop.aborted) {
    try {
      await renewLeases(pool, held, config.leaseMs)
      const evicted = await evictFrozen(pool, config.owner, config.leaseMs)
      if (evicted.length > 0) {
        metrics.evicted(evicted.length)
        logger.warn({ evicted }, 'ended the sessions of an ingestor whose lease ran out')
        work.ring()
      }
      const files = await retryParked(pool)
      if (files.length > 0) {
        logger.info({ files }, 'parked files are given another try')
        work.ring()
      }
    } catch (error) {
      if (triage(error) === 'defect') throw error
      logger.warn(
        { code: errorCode(error), error: (error as Error).message },
        'leases could not be renewed; trying again',
      )
    }
    await never.wait(Math.min(config.leaseMs / 3, LOOK_FOR_FROZEN_MS), stop)
  }
}

function faultText(error: Error): string {
  return `${errorCode(error) || error.name}: ${error.message}`
}
