import { Command } from 'commander'
import { EXIT, exitWith } from '../runtime/command.ts'
import { type Environment, environment } from '../runtime/env.ts'
import { createLogger } from '../runtime/logger.ts'
import { stopOnSignals } from '../runtime/shutdown.ts'
import { localConfig } from './config.ts'
import { whenOrphaned } from './orphan.ts'
import { runLocally } from './run.ts'
import { openScreen } from './screen.ts'

const ENVIRONMENT = `
Environment (or .env):
  LOCAL_POSTGRES_PORT  the port of 127.0.0.1 for PostgreSQL, if it is free (default: 5433)
  LOCAL_RATE           as --rate
  DASHBOARD_PORT       the port of 127.0.0.1 for the page, if it is free (default: 8080)
  DATA_DIR             the folder that all of it lives in (default: ./data)
  ...                  and whatever the generator and the ingestor read`

await exitWith(async () => {
  const env = environment()
  const config = localConfig(flags(), env)
  const signalled = stopOnSignals(createLogger('local', 'silent'))
  // Started by hand it may well outlive its shell; under npm it is npm's.
  const underNpm = env.npm_lifecycle_event !== undefined
  const stop = underNpm ? AbortSignal.any([signalled, whenOrphaned()]) : signalled
  const screen = openScreen(process.stdout)
  await runLocally(config, screen, stop)
  screen.status({ mood: 'good', head: 'Stopped', details: 'the rows are kept for the next start' })
  screen.release()
  return EXIT.ok
})

function flags(): Environment {
  const command = new Command('start')
    .description('Run all of it on this machine, with a PostgreSQL of its own and no Docker')
    .option('--rate <events>', 'generated events a second (default: 100)')
    .option('--no-generator', 'generate nothing: only what you drop in data/input is loaded')
    .option('--no-dashboard', 'serve no page')
    .addHelpText('after', ENVIRONMENT)
    .exitOverride()
    .parse()
  const { rate, generator, dashboard } = command.opts<{
    rate?: string
    generator: boolean
    dashboard: boolean
  }>()
  return { LOCAL_RATE: generator ? rate : '0', LOCAL_DASHBOARD: dashboard ? undefined : 'off' }
}
