import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { inject } from 'vitest'
import { freePort } from '../compose/clone.ts'
import { docker, execute, lines } from '../compose/docker.ts'
import type { CheckableFolders } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { until } from '../support/until.ts'
import { dockerOn, type Host, nodeOf } from './host.ts'
import { NAME, removeLeftovers } from './remove.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const FILES = ['-c', file('../../deploy/swarm.yml'), '-c', file('published.yml')]
const CONTAINER_UID = 1000

/** One folder that all hosts see under the same path. */
export interface SharedFolders extends CheckableFolders {
  readonly root: string
  readonly temp: string
}

export interface Stack {
  readonly name: string
  readonly folders: SharedFolders
  /** For the checker. */
  readonly url: string
  /** `docker stack deploy` of the stack's files. */
  deploy(image: string, settings?: Readonly<Record<string, string>>): Promise<void>
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]>
  /** The same; null while the database cannot be reached. */
  attempt<Row = Record<string, unknown>>(sql: string): Promise<Row[] | null>
  /** Waits until the job has run to its end for the image that it has now. */
  migrated(): Promise<void>
  /** Waits until so many tasks of the service run (which they do once they were healthy), and no other. */
  running(service: string, tasks: number): Promise<void>
}

/** A running ingestor: where it is, and by what its leases know it. */
export interface Ingestor {
  readonly host: Host
  readonly container: string
  readonly hostname: string
}

/**
 * The stack of `deploy/swarm.yml` as it stands, with a folder, a secret and a published port of its
 * own. PostgreSQL is kept on `databaseHost`. All of it is removed at the end of the test file.
 */
export async function newStack(databaseHost: Host): Promise<Stack> {
  const name = `${NAME}-${process.pid}`
  const folders = await sharedFolders()
  const port = await freePort()
  const password = `not-to-be-logged-${Math.random().toString(36).slice(2)}`
  const label = 'hot-folder.database'
  const { id: node } = await nodeOf(databaseHost)
  await docker('node', 'update', '--label-add', `${label}=true`, node)
  atTestEnd(() => docker('node', 'update', '--label-rm', label, node))
  for (const role of ['owner', 'writer', 'reader']) {
    const create = 'printf %s "$1" | docker secret create "$2" -'
    await execute('sh', ['-c', create, 'sh', `${password}-${role}`, `${name}-${role}`])
  }
  atTestEnd(() => removeLeftovers(inject('hosts')))

  const url = `postgres://myuser:${password}-owner@${databaseHost.address}:${port}/ecommerce_db`
  const pool = new pg.Pool({
    ...{ connectionString: url, max: 2, connectionTimeoutMillis: 2_000, query_timeout: 5_000 },
  })
  pool.on('error', () => undefined)
  pool.on('connect', client => client.on('error', () => undefined))
  atTestEnd(() => pool.end())

  const stack: Stack = {
    ...{ name, folders, url },
    async deploy(image, settings) {
      await execute('docker', ['stack', 'deploy', '--resolve-image', 'never', ...FILES, name], {
        env: {
          ...{ DATA_DIR: folders.root, INGESTOR_IMAGE: image, PUBLISHED_PORT: `${port}` },
          OWNER_PASSWORD_SECRET: `${name}-owner`,
          WRITER_PASSWORD_SECRET: `${name}-writer`,
          READER_PASSWORD_SECRET: `${name}-reader`,
          ...settings,
        },
      })
    },
    query: async sql => (await pool.query(sql)).rows,
    attempt: sql => stack.query(sql).catch(() => null) as never,
    migrated: () =>
      until(
        'the migration',
        async () => {
          const states = await docker(
            ...['service', 'ps', `${name}_migrate`, '--format', '{{.CurrentState}}'],
          )
          return lines(states)[0]?.startsWith('Complete')
        },
        120_000,
      ).then(() => undefined),
    running: (service, tasks) =>
      until(
        `${tasks} running task(s) of ${service}`,
        async () => (await runningTasks(`${name}_${service}`)) === tasks,
        120_000,
      ).then(() => undefined),
  }
  return stack
}

/** The running ingestors, host by host; a host that does not answer has none. */
export async function ingestorsOn(stack: Stack, hosts: readonly Host[]): Promise<Ingestor[]> {
  const filter = ['--filter', `label=com.docker.swarm.service.name=${stack.name}_ingestor`]
  const found = await Promise.all(
    hosts.map(async host => {
      const ids = lines(await dockerOn(host, 'ps', '-q', '--no-trunc', ...filter))
      return ids.map(container => ({ host, container, hostname: container.slice(0, 12) }))
    }),
  )
  return found.flat()
}

async function runningTasks(service: string): Promise<number | null> {
  const wanted = ['--filter', 'desired-state=running', '--format', '{{.CurrentState}}']
  const states = lines(await docker('service', 'ps', service, ...wanted))
  return states.every(state => state.startsWith('Running')) ? states.length : null
}

/** The hosts are all on this machine, and so is the folder. */
async function sharedFolders(): Promise<SharedFolders> {
  const root = await mkdtemp(join(tmpdir(), 'hot-folder-swarm-'))
  atTestEnd(() => rm(root, { recursive: true, force: true, maxRetries: 5 }))
  await chown(root, CONTAINER_UID, CONTAINER_UID)
  const at = (name: string) => join(root, name)
  for (const name of ['temp', 'input', 'archive', 'refused']) {
    await mkdir(at(name))
    await chown(at(name), CONTAINER_UID, CONTAINER_UID)
  }
  return {
    ...{ root, temp: at('temp'), input: at('input') },
    ...{ archive: at('archive'), refused: at('refused') },
  }
}
