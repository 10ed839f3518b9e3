import { setTimeout as delay } from 'node:timers/promises'
import { shown } from '../../contract/shown.ts'
import { EXIT } from '../../runtime/command.ts'
import type { Pool } from '../../runtime/database.ts'
import { ConfigurationError, type Environment } from '../../runtime/env.ts'
import { requireSchema } from '../../runtime/migrations.ts'
import { exitOnDefect, stopOnSignals } from '../../runtime/shutdown.ts'
import { Archiver } from '../archiver.ts'
import { backlog } from '../backlog.ts'
import { type Discovery, sweep } from '../discover.ts'
import { endInTime } from '../end-in-time.ts'
import { discovery, type Ingestor, runIngestor } from '../service.ts'
import { Summary } from '../summary.ts'
import { progress } from './progress.ts'
import { prepare } from './run.ts'

const LOOK_MS = 20

export interface OnceOptions {
  json: boolean
  /** More rejected rows than this end with exit code 3. */
  maxRejects: number
}

/**
 * `ingest run --once`: ingests all that is waiting, moves it away, prints a summary and ends.
 * @returns 0, or 3 where a file was refused or more rows were rejected than `maxRejects`, or 1 where a file is left or could not be moved away
 */
export async function runOnce(
  options: OnceOptions,
  flags: Environment,
  env: Environment,
): Promise<number> {
  const { ingestor, close } = prepare({ LOG_LEVEL: env.LOG_LEVEL ?? 'warn', ...flags }, env)
  const { pool, logger } = ingestor
  exitOnDefect(logger)
  const stop = stopOnSignals(logger)
  endInTime(stop, ingestor, EXIT.failure)
  const now = () => performance.now()
  try {
    await requireSchema(pool)
    await refuseWhilePaused(pool)
    const summary = new Summary(now())
    const onRefused: Ingestor['onRefused'] = file => {
      ingestor.onRefused(file)
      summary.refuse(file)
    }
    const looking = discovery({ ...ingestor, onRefused })
    // Before anyone claims: what a claim does not find is looked for again only seconds later.
    await sweep(looking)
    const bar = progress((await backlog(pool)).bytes, 'bytes')
    const onStored: Ingestor['onStored'] = stored => {
      ingestor.onStored(stored)
      summary.add(stored)
      bar.advance(stored.moves.reduce((bytes, { from, to }) => bytes + to - from, 0))
    }
    const counting = { ...ingestor, once: true, onStored, onRefused }
    const drained = new AbortController()
    const ingesting = runIngestor(counting, AbortSignal.any([stop, drained.signal]))
    const left = await Promise.race([
      untilDrained(ingestor, looking, stop),
      ingesting.then(() => []),
    ])
    drained.abort()
    await ingesting
    bar.end()
    const moved = await new Archiver({ ...ingestor.config, ...ingestor }, logger, () => {}).drain()
    console.log(options.json ? JSON.stringify(summary.report(now())) : summary.table(now()))
    for (const { name, message } of left) logger.error({ file: name }, message)
    if (stop.aborted || left.length > 0 || !moved) return EXIT.failure
    return summary.rejected > options.maxRejects || summary.refusals.length > 0
      ? EXIT.rejects
      : EXIT.ok
  } finally {
    await close()
  }
}

/** A run that waits for somebody to call `ingest_resume()` is not one that ends. */
async function refuseWhilePaused(pool: Pool): Promise<void> {
  const { rows } = await pool.query('select paused_by, paused_at, reason from ingest_paused')
  for (const { paused_by, paused_at, reason } of rows) {
    throw new ConfigurationError([
      `paused by ${paused_by} at ${paused_at.toISOString()}: ${shown(reason, 200)}; select ingest_resume() ends it`,
    ])
  }
}

/** @returns the files that cannot be read, and are left */
async function untilDrained(ingestor: Ingestor, looking: Discovery, stop: AbortSignal) {
  const isWaiting = () => someWait(ingestor.pool, ingestor.config.owner)
  for (; !stop.aborted; await delay(LOOK_MS)) {
    if (await isWaiting()) continue
    // Only what a sweep before the look has seen can be known not to wait.
    await sweep(looking)
    if (!(await isWaiting())) return unreadable(ingestor.pool)
  }
  return []
}

// What a living ingestor beside this one has claimed is its own to finish. One file is enough to
// know: this is asked many times a second, and counting a backlog is work.
async function someWait(pool: Pool, owner: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from ingest_files
      where status in ('pending', 'active')
        and ((status = 'pending' and message is null and not exists (select from ingest_paused))
          or (status = 'active' and (owner = $1 or lease_until < clock_timestamp())))
      limit 1`,
    [owner],
  )
  return rowCount! > 0
}

async function unreadable(pool: Pool): Promise<{ name: string; message: string }[]> {
  const { rows } = await pool.query(
    `select file_name as name, message from ingest_files
      where status = 'pending' and message is not null and not exists (select from ingest_paused)
      order by file_id`,
  )
  return rows
}
