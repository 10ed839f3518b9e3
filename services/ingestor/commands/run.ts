import { EXIT } from '../../runtime/command.ts'
import { connection, describeTarget } from '../../runtime/connection.ts'
import { createPool } from '../../runtime/database.ts'
import { ConfigurationError, type Environment, together } from '../../runtime/env.ts'
import { createLogger } from '../../runtime/logger.ts'
import { requireSchema } from '../../runtime/migrations.ts'
import { exitOnDefect, stopOnSignals } from '../../runtime/shutdown.ts'
import type { Stored } from '../commit.ts'
import { readConfig } from '../config.ts'
import { endInTime } from '../end-in-time.ts'
import { errorCode } from '../errors.ts'
import { armed } from '../failpoint.ts'
import { Faults, portOf, serveHealth } from '../health.ts'
import { Metrics } from '../metrics.ts'
import type { Refusal } from '../register.ts'
import { retrying } from '../retry.ts'
import { type Ingestor, makeFolders, runIngestor } from '../service.ts'

/** Connections beside those of the transactions in flight: claims, sweeps, leases, health, commands. */
const CONTROL_CONNECTIONS = 5
/** An overlapping transaction may wait for a key that only this process can set free. */
const LOCK_TIMEOUT_MS = 1_000

/** `ingest run`: ingests what comes until a signal, then hands back what it holds. */
export async function run(flags: Environment, env: Environment): Promise<number> {
  const { ingestor, metrics, close } = prepare(flags, env)
  const { config, pool, logger, faults } = ingestor
  exitOnDefect(logger)
  const stop = stopOnSignals(logger)
  endInTime(stop, ingestor, EXIT.ok)
  const server = await serveHealth(config, pool, faults, metrics)
  logger.info(
    {
      owner: config.owner,
      input: config.inputDir,
      metricsPort: portOf(server),
      database: describeTarget(connection(env)),
    },
    'starting',
  )
  try {
    await waitForSchema(ingestor, stop)
    logger.info('ready')
    await runIngestor(ingestor, stop)
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    if (error !== stop.reason) {
      logger.fatal({ err: error }, 'a defect in the program; exiting')
      return EXIT.failure
    }
  } finally {
    server.close()
    server.closeAllConnections()
    await close()
  }
  logger.info('stopped')
  return EXIT.ok
}

/** Settings, pool and metrics of one ingesting process. */
export function prepare(
  flags: Environment,
  env: Environment,
): { ingestor: Ingestor; metrics: Metrics; close: () => Promise<void> } {
  const identity = Math.random().toString(36).slice(2, 8)
  const [config, target] = together(
    () => readConfig(flags, env, identity),
    () => connection(env),
  )
  const logger = createLogger('ingestor', config.logLevel)
  makeFolders(config)
  const shared = { applicationName: config.owner, lockTimeoutMs: LOCK_TIMEOUT_MS }
  const commits = createPool(target, { ...shared, maxConnections: config.connections }, logger)
  const control = { ...shared, maxConnections: CONTROL_CONNECTIONS, durable: false }
  const pool = createPool(target, control, logger)
  const metrics = new Metrics({ commits, control: pool })
  const failpoint = armed(env.INGEST_FAILPOINT, Number(env.INGEST_FAILPOINT_PASSES ?? 1))
  const said = ({ name, reason, message }: Refusal) =>
    logger.warn({ file: name, reason, message }, 'file refused')
  const onRefused = (file: Refusal) => {
    metrics.refused()
    said(file)
  }
  const onStored = (stored: Stored) => {
    metrics.stored(stored)
    logger.info(summed(stored), 'batch committed')
    for (const { claim, next } of stored.moves) {
      if (next.status === 'refused') said({ name: claim.fileName, ...next })
    }
  }
  return {
    ingestor: {
      ...{ config, commits, pool, logger, faults: new Faults(), failpoint },
      ...{ metrics, onStored, onRefused },
    },
    metrics,
    close: async () => {
      await Promise.all([commits.end(), pool.end()])
    },
  }
}

// A database that is not there yet, or not fit, is waited for; a wrong schema version is not.
async function waitForSchema(
  { pool, logger, faults, metrics }: Ingestor,
  signal: AbortSignal,
): Promise<void> {
  const onFault = (what: string, fault: Error | null) => {
    if (fault) metrics.retried(what)
    faults.report(`database: ${what}`, fault && `${errorCode(fault)}: ${fault.message}`)
  }
  await retrying(() => requireSchema(pool), { what: 'connect', logger, signal, onFault })
}

function summed({ moves, mode, attempts }: Stored) {
  const sum = (of: (move: Stored['moves'][number]) => number) =>
    moves.reduce((total, move) => total + of(move), 0)
  return {
    files: moves.length,
    loaded: sum(({ loaded }) => loaded),
    duplicate: sum(({ duplicate }) => duplicate),
    rejected: sum(({ rejected }) => rejected),
    bytes: sum(({ from, to }) => to - from),
    mode,
    attempts,
  }
}
