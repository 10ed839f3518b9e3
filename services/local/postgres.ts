import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigurationError } from '../runtime/env.ts'
import { serverAccount } from './account.ts'
import { findBinaries, type Origin } from './binaries.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { type Keeper, keep, type StopMode } from './keeper.ts'
import { freePort, isFree, LOOPBACK } from './port.ts'
import { commandLine, isAlive } from './processes.ts'
import { reachableFolder } from './reachable.ts'

export interface PostgresOptions {
  /** Where the data is kept; made where it is missing, used again where it is there. */
  folder: string
  /** The superuser, made with the data. Its password is random and kept beside the data. */
  user: string
  /** The port to try first on 127.0.0.1; another one where it is taken. 0 takes any. */
  port: number
  prefer: Origin
  /** Settings of postgresql.conf; values without blanks or quotes. */
  settings?: Readonly<Record<string, string | number>>
  /** Hears, in words, of what a person should know. */
  say?: (line: string) => void
}

export interface PostgresServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly origin: Origin
  /** Where the data really is. */
  readonly folder: string
  readonly logFile: string
  /** Waits until it has stopped. `immediate` is a crash as far as the data is concerned. */
  stop(mode?: StopMode): Promise<void>
}

const TRIES = 10

/**
 * Starts a private PostgreSQL 15 that listens on 127.0.0.1 only. It does not outlive this process,
 * even if that is killed.
 * @throws ConfigurationError where the folder is in use, or holds the data of another version
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const say = options.say ?? (() => undefined)
  const account = await serverAccount()
  const binaries = await findBinaries(options.prefer, account, say)
  const folder = await reachableFolder(options.folder, account, say)
  const cluster = await openCluster(folder, options.user, binaries, account)
  const crashed = await clearLock(cluster)
  const start = (port: number) => {
    const settings = commandLineOptions({ ...options.settings, port })
    const pgCtl = join(binaries.bin, 'pg_ctl')
    return keep({ pgCtl, data: cluster.data, logFile: cluster.logFile, options: settings }, account)
  }
  const { keeper, port } = await startOnFreePort(start, options.port, crashed, cluster)
  return {
    host: LOOPBACK,
    port,
    user: cluster.user,
    password: cluster.password,
    origin: binaries.origin,
    folder,
    logFile: cluster.logFile,
    stop: (mode = 'fast') => keeper.stop(mode),
  }
}

/**
 * PostgreSQL takes any live process with the number in its lock file for its own predecessor; after
 * a crash of the machine that number may belong to anything.
 * @returns whether a lock was left, that is, the server did not stop in order the last time
 */
async function clearLock({ data }: Cluster): Promise<boolean> {
  const lockFile = join(data, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(lockFile, 'utf8').catch(() => ''), 10)
  if (Number.isNaN(pid)) return false
  if ((await commandLine(pid)).includes(data)) {
    throw new ConfigurationError([
      `${data}: a PostgreSQL is running on it already (process ${pid}); stop that first: kill -INT ${pid}`,
    ])
  }
  if (isAlive(pid)) await rm(lockFile, { force: true })
  return true
}

async function startOnFreePort(
  start: (port: number) => Promise<Keeper>,
  wanted: number,
  crashed: boolean,
  cluster: Cluster,
): Promise<{ keeper: Keeper; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(wanted)
    try {
      return { keeper: await start(port), port }
    } catch (error) {
      // Somebody took the port in between, or the last backends of a killed server still hold its
      // shared memory: both pass. Anything else will not.
      const passing = crashed || !(await isFree(port))
      if (!passing || attempt === TRIES) throw await withLog(error as Error, cluster)
      await sleep(500)
    }
  }
}

function commandLineOptions(settings: Record<string, string | number>): string {
  const all = { ...settings, listen_addresses: LOOPBACK, unix_socket_directories: '' }
  return Object.entries(all)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

async function withLog(error: Error, { logFile }: Cluster): Promise<Error> {
  const log = await readFile(logFile, 'utf8').catch(() => '')
  const tail = log.trimEnd().split('\n').slice(-8).join('\n')
  return new Error(`${error.message}\n${tail}`, { cause: error })
}
