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
  const look = () => waitingFiles(ingestor.pool, ingestor.config.owner)
  for (; !stop.aborted; await delay(LOOK_MS)) {
    if ((await look()).waiting > 0) continue
    // Only what a sweep before the look has seen can be known not to wait.
    await sweep(looking)
    const { waiting, unreadable } = await look()
    if (waiting === 0) return unreadable
  }
  return []
}

// What a living ingestor beside this one has claimed is its own to finish.
async function waitingFiles(pool: Pool, owner: string) {
  const { rows } = await pool.query(
    `with waiting as (
       select file_name as name, message, status = 'pending' and message is not null as unreadable
         from ingest_files
        where (status = 'pending' and not exists (select from ingest_paused))
           or (status = 'active' and (owner = $1 or lease_until < clock_timestamp()))
     )
     select count(*) filter (where not unreadable) as waiting,
            coalesce(json_agg(json_build_object('name', name, 'message', message))
                       filter (where unreadable), '[]') as unreadable
       from waiting`,
    [owner],
  )
  return rows[0] as { waiting: number; unreadable: { name: string; message: string }[] }
}
