import { join } from 'node:path'
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
    if (config.eventsPerSecond > 0) services.push(generator(config, database, screen))
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
    ...common('dashboard', config, database, screen),
    args: ['--port', String(port), '--host', LOOPBACK],
    graceMs: 5_000,
  })
}

function ingestor(config: LocalConfig, database: LocalDatabase, screen: Screen): Service {
  return keepRunning({
    ...common('ingestor', config, database, screen),
    args: ['run'],
    graceMs: 15_000,
  })
}

function generator(config: LocalConfig, database: LocalDatabase, screen: Screen): Service {
  const { eventsPerSecond } = config
  // About four files a second, so that rows appear at once.
  const rows = `${Math.ceil(eventsPerSecond / 10)}-${Math.ceil(eventsPerSecond * 0.4)}`
  const args = ['--rate', String(eventsPerSecond), '--rows', rows]
  return keepRunning({ ...common('generator', config, database, screen), args, graceMs: 5_000 })
}

function common(name: string, config: LocalConfig, database: LocalDatabase, screen: Screen) {
  return {
    name,
    env: serviceEnvironment(config, database),
    logFile: join(config.dataDir, 'logs', `${name}.log`),
    warn: screen.warn,
  }
}

function serviceEnvironment(
  { env, dataDir }: LocalConfig,
  { server, url }: LocalDatabase,
): Environment {
  return {
    ...env,
    DATA_DIR: dataDir,
    DATABASE_URL: url,
    // A `.env` for Docker may stand in this folder: its secret is not this server's.
    POSTGRES_PASSWORD: server.password,
    POSTGRES_PASSWORD_FILE: '',
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
