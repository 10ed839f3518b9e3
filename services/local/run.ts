import { join } from 'node:path'
import { CONNECTION_SETTINGS } from '../runtime/connection.ts'
import { ConfigurationError, type Environment } from '../runtime/env.ts'
import { makeFolder } from '../runtime/folder.ts'
import type { LocalConfig } from './config.ts'
import { type LocalDatabase, openDatabase } from './database.ts'
import { freePort, LOOPBACK } from './port.ts'
import type { Screen } from './screen.ts'
import { keepRunning, type Service } from './service.ts'
import { watch } from './watch.ts'
import { welcome } from './welcome.ts'

/** Everything on this machine until `stop`; whatever was started has stopped when it returns. */
export async function runLocally(
  config: LocalConfig,
  screen: Screen,
  stop: AbortSignal,
): Promise<void> {
  makeFolders(config.dataDir)
  let outcome: 'stopped' | 'gone' = 'gone'
  while (outcome === 'gone') {
    screen.status({ mood: 'quiet', head: 'Starting PostgreSQL', details: '' })
    const database = await openDatabase(config, screen.say)
    outcome = await runOn(database, config, screen, stop)
  }
}

async function runOn(
  database: LocalDatabase,
  config: LocalConfig,
  screen: Screen,
  stop: AbortSignal,
): Promise<'stopped' | 'gone'> {
  const services: Service[] = []
  try {
    if (stop.aborted) return 'stopped'
    const dashboardPort =
      config.dashboardPort === null ? null : await freePort(config.dashboardPort)
    if (dashboardPort !== null) services.push(dashboard(dashboardPort, config, database, screen))
    services.push(ingestor(config, database, screen))
    if (config.eventsPerSecond > 0) services.push(generator(config, screen))
    screen.say(welcome(config, database, dashboardPort))
    return await watch(database.url, screen, stop)
  } finally {
    screen.status({ mood: 'quiet', head: 'Stopping', details: 'what is in hand is finished first' })
    // The source first: what it has delivered is still loaded.
    for (const service of services.reverse()) await service.stop()
    await database.stop()
  }
}

function dashboard(
  port: number,
  config: LocalConfig,
  database: LocalDatabase,
  screen: Screen,
): Service {
  return keepRunning({
    ...common('dashboard', config, database.readerUrl, screen),
    args: ['--port', String(port), '--host', LOOPBACK],
    graceMs: 5_000,
  })
}

function ingestor(config: LocalConfig, database: LocalDatabase, screen: Screen): Service {
  return keepRunning({
    ...common('ingestor', config, database.writerUrl, screen),
    args: ['run'],
    graceMs: 15_000,
  })
}

// It has no business with a database, and is told of none.
function generator(config: LocalConfig, screen: Screen): Service {
  const { eventsPerSecond } = config
  // About four files a second, so that rows appear at once.
  const rows = `${Math.ceil(eventsPerSecond / 10)}-${Math.ceil(eventsPerSecond * 0.4)}`
  const args = ['--rate', String(eventsPerSecond), '--rows', rows]
  return keepRunning({ ...common('generator', config, '', screen), args, graceMs: 5_000 })
}

function common(name: string, config: LocalConfig, databaseUrl: string, screen: Screen) {
  return {
    name,
    env: serviceEnvironment(config, databaseUrl),
    logFile: join(config.dataDir, 'logs', `${name}.log`),
    warn: screen.warn,
  }
}

// A `.env` for Docker may stand in this folder, and what it says of a database is not of this one: an
// empty value keeps it out.
const NO_CONNECTION = Object.fromEntries(CONNECTION_SETTINGS.map(name => [name, '']))

function serviceEnvironment({ env, dataDir }: LocalConfig, databaseUrl: string): Environment {
  return {
    ...env,
    ...NO_CONNECTION,
    DATA_DIR: dataDir,
    DATABASE_URL: databaseUrl,
    METRICS_PORT: '0',
  }
}

function makeFolders(dataDir: string): void {
  for (const name of ['temp', 'input', 'archive', 'refused', 'logs']) {
    const folder = join(dataDir, name)
    try {
      makeFolder(folder)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConfigurationError([
        `DATA_DIR: expected a folder or the right to make it, found that ${folder} cannot be made (${code})`,
      ])
    }
  }
}
