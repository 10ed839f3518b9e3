import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../services/local/postgres.ts'
import { migrate } from '../services/migrate/migrate.ts'

/** As on a small production server. Every byte that is committed is on the disk: `fsync` is on. */
const SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  // Segments are kept for use again: else the first side of a round would pay for making them.
  min_wal_size: '4GB',
  checkpoint_timeout: '30min',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
}

const USER = 'bench'
const TEMPLATE = 'bench_template'
const WAL_WARMING_ROWS = 16_000_000

/** A private PostgreSQL that every side of every question uses. */
export interface Stand {
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  /** An empty database with the schema, right after a checkpoint. */
  fresh(): Promise<Database>
  stop(): Promise<void>
}

export interface Database {
  readonly host: string
  readonly port: number
  readonly name: string
  readonly user: string
  readonly password: string
  readonly url: string
  /** For the project's own services. */
  readonly env: Readonly<Record<string, string>>
  connect(): Promise<pg.Client>
  /** @throws Error where the table does not hold that many rows */
  expectRows(count: number): Promise<void>
  drop(): Promise<void>
}

export async function startStand(workDir: string, say: (line: string) => void): Promise<Stand> {
  // PostgreSQL runs as another user where the bench runs as root.
  await chmod(workDir, 0o755)
  const server = await startPostgres({
    folder: join(workDir, 'postgres'),
    user: USER,
    port: 0,
    prefer: 'system',
    settings: SETTINGS,
    say,
  })
  const database = (name: string) => databaseOn(server, name, admin)
  const admin = new pg.Client({ ...targetOf(server), database: 'postgres' })
  await admin.connect()
  await makeTemplate(server, admin)
  say('making WAL segments, so that no side has to')
  await warmWal(admin)
  let made = 0
  return {
    version: (await admin.query('show server_version')).rows[0].server_version,
    settings: SETTINGS,
    async fresh() {
      const name = `bench_${++made}`
      await admin.query(`create database ${name} template ${TEMPLATE}`)
      await admin.query('checkpoint')
      return database(name)
    },
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

type Server = Awaited<ReturnType<typeof startPostgres>>

const targetOf = ({ host, port, user, password }: Server) => ({ host, port, user, password })

async function makeTemplate(server: Server, admin: pg.Client): Promise<void> {
  await admin.query(`create database ${TEMPLATE}`)
  const pool = new pg.Pool({ ...targetOf(server), database: TEMPLATE, max: 1 })
  await migrate(pool)
  await pool.end()
}

async function warmWal(admin: pg.Client): Promise<void> {
  await admin.query(`create table wal as select n from generate_series(1, ${WAL_WARMING_ROWS}) n`)
  await admin.query('drop table wal')
  await admin.query('checkpoint')
}

function databaseOn(server: Server, name: string, admin: pg.Client): Database {
  const target = targetOf(server)
  const { host, port, user, password } = target
  const connect = async () => {
    const client = new pg.Client({ ...target, database: name })
    // A database is dropped with whoever is still looking at it.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  return {
    ...{ ...target, name, connect },
    url: `postgres://${user}:${password}@${host}:${port}/${name}`,
    env: {
      POSTGRES_HOST: host,
      POSTGRES_PORT: String(port),
      POSTGRES_DB: name,
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
    },
    async expectRows(count) {
      const client = await connect()
      const { rows } = await client.query('select count(*)::int as n from user_activity')
      await client.end()
      if (rows[0].n !== count) throw new Error(`expected ${count} rows, found ${rows[0].n}`)
    },
    drop: async () => void (await admin.query(`drop database ${name} with (force)`)),
  }
}
