import { Command } from 'commander'
import { EXIT, exitWith } from '../runtime/command.ts'
import { connection, describeTarget, whoAndWhere } from '../runtime/connection.ts'
import { createPool } from '../runtime/database.ts'
import { ConfigurationError, type Environment, environment, together } from '../runtime/env.ts'
import { createLogger, type Logger } from '../runtime/logger.ts'
import { exitOnDefect, stopOnSignals } from '../runtime/shutdown.ts'
import { Auditor } from './audit.ts'
import { type DashboardConfig, readConfig } from './config.ts'
import { Observer } from './observer.ts'
import { Rounds } from './round.ts'
import { serve } from './server.ts'

/** No look may take longer; the audit, which looks at every row, may. */
const LOOK_TIMEOUT_MS = 3_000
const AUDIT_TIMEOUT_MS = 10_000

await exitWith(async () => {
  const env = environment()
  const [config, target] = together(
    () => readConfig(flags(), env),
    () => connection(env),
  )
  const logger = createLogger('dashboard', config.logLevel)
  exitOnDefect(logger)
  logWarnings(logger)
  const stop = stopOnSignals(logger)
  const now = () => performance.now()
  const poolOf = (applicationName: string, queryTimeoutMs: number) =>
    createPool(
      target,
      { applicationName, queryTimeoutMs, maxConnections: 1, readOnly: true },
      logger,
    )
  const looking = poolOf('dashboard', LOOK_TIMEOUT_MS)
  const auditing = poolOf('dashboard audit', AUDIT_TIMEOUT_MS)
  const setup = { by: config.commandsFor, ...whoAndWhere(target) }
  const observer = new Observer(new Rounds(looking), new Auditor(auditing, now), setup, logger, now)
  const dashboard = await serve(config, observer).catch(error => {
    throw inUse(error, config)
  })
  logger.info({ url: dashboard.url, database: describeTarget(target) }, 'listening')
  try {
    await observer.run(stop)
  } finally {
    await dashboard.close()
    await Promise.all([looking.end(), auditing.end()])
  }
  logger.info('stopped')
  return EXIT.ok
})

function flags(): Environment {
  const command = new Command('dashboard')
    .description('Show on a page how files become rows: reads PostgreSQL, changes nothing')
    .option('--port <port>', 'of the page; 0 takes a free one (default: 8080) [DASHBOARD_PORT]')
    .option('--host <address>', 'to listen on (default: 127.0.0.1) [DASHBOARD_HOST]')
    .exitOverride()
    .parse()
  const { port, host } = command.opts<{ port?: string; host?: string }>()
  return { DASHBOARD_PORT: port, DASHBOARD_HOST: host }
}

function inUse(error: NodeJS.ErrnoException, { port }: DashboardConfig): Error {
  if (error.code !== 'EADDRINUSE') return error
  return new ConfigurationError([
    `DASHBOARD_PORT: expected a free port, found ${port} in use; 0 takes any free one`,
  ])
}

// Node's own warnings, such as that type stripping for the page is young, are no news to the user.
function logWarnings(logger: Logger): void {
  process.removeAllListeners('warning')
  process.on('warning', warning => logger.debug({ warning: warning.message }, 'a warning of Node'))
}
