import { hostname, userInfo } from 'node:os'
import { connection } from '../../runtime/connection.ts'
import { createPool, type Pool } from '../../runtime/database.ts'
import { type Environment, environment, together } from '../../runtime/env.ts'
import { createLogger, type Logger } from '../../runtime/logger.ts'
import { requireSchema } from '../../runtime/migrations.ts'
import { nearestDatabase } from '../../runtime/running.ts'
import { type Config, readConfig } from '../config.ts'

/** What a command works with that looks at a database and its folders, and ends. */
export interface Session {
  config: Config
  pool: Pool
  logger: Logger
}

/** Flags of every command but `run`. */
export interface CommonOptions {
  dataDir?: string
  json?: boolean
}

/** The settings of a command: those of the ingestor, and of the nearest database. */
export function settingsOf(options: CommonOptions): { config: Config; env: Environment } {
  const given = environment()
  const flags = options.dataDir === undefined ? {} : { DATA_DIR: options.dataDir }
  const env = nearestDatabase(given, options.dataDir ?? given.DATA_DIR ?? './data')
  const [config] = together(
    () => readConfig(flags, given, 'command'),
    () => connection(env),
  )
  return { config, env }
}

/** A pool that shows who is asking: role, program and address stand beside what is said. */
export function openPool(command: string, env: Environment, logger: Logger): Pool {
  const applicationName = `ingest ${command} by ${userInfo().username}@${hostname()}`.slice(0, 63)
  return createPool(connection(env), { applicationName, maxConnections: 2 }, logger)
}

/**
 * Runs a command on a database of the right schema.
 * @throws ConfigurationError where it has another one
 */
export async function withSession<T>(
  command: string,
  options: CommonOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { config, env } = settingsOf(options)
  const logger = createLogger('ingest', 'error')
  const pool = openPool(command, env, logger)
  try {
    await requireSchema(pool)
    return await work({ config, pool, logger })
  } finally {
    await pool.end()
  }
}
