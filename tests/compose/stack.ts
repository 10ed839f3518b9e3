import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import type { CheckableFolders } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { until } from '../support/until.ts'
import { cloneProject, freePort } from './clone.ts'
import { docker, execute, lines } from './docker.ts'
import type { Container } from './inspection.ts'
import { removeProject } from './remove.ts'

export interface Stack {
  /** The clone that it runs from. */
  readonly folder: string
  readonly project: string
  readonly password: string
  /** Passwords that were made up, and are in none of its settings. */
  madeUp(): Promise<string[]>
  /** Where the page is published on 127.0.0.1. */
  readonly dashboardPort: number
  /** For the checker: the database at its published port. */
  readonly url: string
  readonly folders: CheckableFolders
  /** The name of PostgreSQL's container, `postgres_db` for a user. */
  readonly database: string
  /** `docker compose …` as a user would type it. @returns standard output */
  compose(...args: string[]): Promise<string>
  /** Containers of a service, stopped ones too; of all services without a name. */
  containers(service?: string): Promise<Container[]>
  /** Waits until every container of a service is healthy. */
  healthy(service: string): Promise<Container[]>
  /** Rows of a query over the published port; `bigint` as text. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Lets nobody add rows until the answer is called: time for the engine to do what it is told. */
  holdRows(): Promise<() => Promise<void>>
  /** How many rows `user_activity` has. */
  count(): Promise<number>
  /** Puts a whole file into `data/input`, as a rename from `data/temp`. */
  drop(name: string, content: string | Uint8Array): Promise<void>
  /** Stops the standing generator and waits until all it wrote is in the table and archived. */
  quiet(): Promise<void>
  /** Waits until nothing is left in the input folder. */
  drained(deadlineMs?: number): Promise<void>
}

export interface StackOptions {
  /** Whom the clone belongs to; `docker compose` runs as that user where the tests run as root. */
  uid?: number
  /** More lines of the clone's `.env`. */
  settings?: Readonly<Record<string, string | number>>
}

const SOCKET = '/var/run/docker.sock'
let stacks = 0

/**
 * A clone with a Compose project, a port and a container name of its own, set in its `.env`. Nothing
 * runs yet. All that it starts is removed at the end, volumes, networks and images included.
 */
export async function newStack(options: StackOptions = {}): Promise<Stack> {
  const run = inject('run')
  const project = `${run}-${process.pid}-${++stacks}`
  const folder = await cloneProject(options.uid)
  const [port, dashboardPort] = [await freePort(), await freePort()]
  const password = `not-to-be-logged-${Math.random().toString(36).slice(2)}`
  const settings = {
    COMPOSE_PROJECT_NAME: project,
    POSTGRES_CONTAINER_NAME: `${project}-db`,
    POSTGRES_PUBLISH_PORT: port,
    DASHBOARD_PORT: dashboardPort,
    POSTGRES_PASSWORD: password,
    ...options.settings,
  }
  const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(folder, '.env'), text.join(''))

  const user = await userOf(folder, options.uid)
  const compose = (...args: string[]) =>
    execute('docker', ['compose', ...args], { cwd: folder, ...user })
  const pool = new pg.Pool({
    ...{ host: '127.0.0.1', port, user: 'myuser', password, database: 'ecommerce_db' },
    max: 3,
    connectionTimeoutMillis: 5_000,
  })
  // PostgreSQL is stopped under it.
  pool.on('error', () => undefined)
  atTestEnd(() => removeProject(project))
  atTestEnd(() => pool.end())

  const at = (...path: string[]) => join(folder, 'data', ...path)
  const stack: Stack = {
    ...{ folder, project, password, dashboardPort, database: `${project}-db`, compose },
    url: `postgres://myuser:${password}@127.0.0.1:${port}/ecommerce_db`,
    folders: { input: at('input'), archive: at('archive'), refused: at('refused') },
    async madeUp() {
      const read = (service: string, role: string) =>
        compose('exec', '-T', service, 'cat', `/run/secrets/${role}/password`)
      const found = [await read('ingestor', 'writer'), await read('dashboard', 'reader')]
      return found.map(password => password.trim())
    },
    async containers(service) {
      const ids = lines(await compose('ps', '-a', '-q', ...(service ? [service] : [])))
      return ids.length === 0 ? [] : JSON.parse(await docker('inspect', ...ids))
    },
    healthy: service =>
      until(
        `${service} to be healthy`,
        async () => {
          const found = await stack.containers(service)
          const fit = found.length > 0 && found.every(it => it.State.Health?.Status === 'healthy')
          return fit && found
        },
        60_000,
      ),
    query: async sql => (await pool.query(sql)).rows,
    async holdRows() {
      const holder = await pool.connect()
      await holder.query('begin; lock table user_activity in share mode')
      return async () => {
        await holder.query('rollback')
        holder.release()
      }
    },
    count: async () => Number((await stack.query('select count(*) from user_activity'))[0]!.count),
    async drop(name, content) {
      await writeFile(at('temp', name), content)
      await rename(at('temp', name), at('input', name))
    },
    async quiet() {
      await compose('stop', 'generator')
      await stack.drained()
    },
    async drained(deadlineMs = 60_000) {
      await until('an empty input folder', async () => isEmpty(at('input')), deadlineMs)
      await until(
        'nothing left to ingest or to archive',
        async () => {
          const [now] = await stack.query(
            `select files_pending + files_active + files_to_archive = 0 as drained from ingest_status`,
          )
          return now?.drained
        },
        deadlineMs,
      )
    },
  }
  return stack
}

async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder)).every(name => name.startsWith('.'))
}

/** The owner of the clone, in the group that may talk to Docker, with a home of its own. */
async function userOf(folder: string, uid: number | undefined) {
  if (uid === undefined || uid === process.getuid!()) return {}
  const home = join(folder, '.home')
  await mkdir(home)
  await execute('chown', [`${uid}`, home])
  return { uid, gid: (await stat(SOCKET)).gid, env: { HOME: home } }
}
