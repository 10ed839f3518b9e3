import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../migrate/migrate.ts'
import type { Pool } from '../runtime/database.ts'
import { urlFile } from '../runtime/running.ts'
import type { LocalConfig } from './config.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'

const USER = 'myuser'
export const DATABASE = 'ecommerce_db'

/** The running server with the database on it, its schema the newest. */
export interface LocalDatabase {
  readonly server: PostgresServer
  /** The owner's, for people. */
  readonly url: string
  readonly writerUrl: string
  readonly readerUrl: string
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
  const files = [urlFile(config.dataDir), passwordFile(config.dataDir)]
  const stop = async () => {
    for (const file of files) rmSync(file, { force: true })
    await server.stop()
  }
  try {
    await createMissing(urlOf(server, 'postgres'))
    const url = urlOf(server, DATABASE)
    // Of this start alone: nobody has to keep them.
    const passwords = { ingest_writer: newPassword(), ingest_reader: newPassword() }
    await withPool(url, pool => migrate(pool, passwords))
    const { host, port, user, password } = server
    const lines = [url, [host, port, '*', user, password].join(':')]
    for (const [index, file] of files.entries()) leave(file, `${lines[index]}\n`)
    const as = (role: keyof typeof passwords) =>
      urlOf({ ...server, user: role, password: passwords[role] }, DATABASE)
    return { server, url, writerUrl: as('ingest_writer'), readerUrl: as('ingest_reader'), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Whole or not at all: others look for the file all the time, and must not find it empty. */
function leave(file: string, text: string): void {
  writeFileSync(`${file}.unfinished`, text, { mode: 0o600 })
  renameSync(`${file}.unfinished`, file)
}

/** For psql, by way of PGPASSFILE: a password on a command line is shown to everyone by `ps`. */
export function passwordFile(dataDir: string): string {
  return join(dataDir, 'postgres', 'pgpass')
}

function newPassword(): string {
  return randomBytes(24).toString('hex')
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
