import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../migrate/migrate.ts'
import type { Pool } from '../runtime/database.ts'
import { urlFile } from '../runtime/running.ts'
import type { LocalConfig } from './config.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'

const USER = 'myuser'
const DATABASE = 'ecommerce_db'

/** The running server with the database on it, its schema the newest. */
export interface LocalDatabase {
  readonly server: PostgresServer
  readonly url: string
  stop(): Promise<void>
}

export async function openDatabase(
  config: LocalConfig,
  say: (line: string) => void,
): Promise<LocalDatabase> {
  const server = await startPostgres({
    folder: join(config.dataDir, 'postgres'),
    user: USER,
    port: config.postgresPort,
    prefer: 'embedded',
    say,
  })
  const file = urlFile(config.dataDir)
  const stop = async () => {
    rmSync(file, { force: true })
    await server.stop()
  }
  try {
    await createMissing(urlOf(server, 'postgres'))
    const url = urlOf(server, DATABASE)
    await withPool(url, migrate)
    writeFileSync(file, `${url}\n`, { mode: 0o600 })
    return { server, url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function createMissing(url: string): Promise<void> {
  return withPool(url, async pool => {
    const { rowCount } = await pool.query('select from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await pool.query(`create database ${DATABASE}`)
  })
}

async function withPool(url: string, work: (pool: Pool) => Promise<unknown>): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  try {
    await work(pool)
  } finally {
    await pool.end()
  }
}

function urlOf({ user, password, host, port }: PostgresServer, database: string): string {
  return `postgres://${user}:${password}@${host}:${port}/${database}`
}
