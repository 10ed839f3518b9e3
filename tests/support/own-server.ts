import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../../services/local/postgres.ts'
import { migrate } from '../../services/migrate/migrate.ts'
import { atTestEnd } from './cleanup.ts'
import { openDatabase, type TestDatabase } from './postgres.ts'

/** A PostgreSQL of the test's own, to be crashed and started again; durable, as in earnest. */
export interface OwnServer {
  readonly database: TestDatabase
  /** Where its data really is: elsewhere, if its user cannot reach the folder that was wanted. */
  readonly dataFolder: string
  /** The server's own process. */
  postmaster(): number
  /** A crash, as far as the data is concerned. */
  crash(): Promise<void>
  /** On the same data and the same port. */
  start(): Promise<void>
}

/** @param kept where the data is to be, and to stay; by default it is gone at the end of the test */
export async function ownServer(
  settings: Record<string, string | number> = {},
  kept?: string,
): Promise<OwnServer> {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'hot-folder-own-server-')))
  let port = 0
  let server: PostgresServer | undefined
  const start = async () => {
    server = await startPostgres({ folder, user: 'tester', port, prefer: 'system', settings })
    port = server.port
  }
  const crash = async () => {
    await server?.stop('immediate')
    server = undefined
  }
  // Registered first, so that it comes last: the connections go before the server does.
  atTestEnd(async () => {
    await crash()
    if (kept === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  await start()
  const { host, user, password } = server!
  const adminUrl = `postgres://${user}:${password}@${host}:${port}/postgres`
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query('create database events')
  await admin.end()
  const database = openDatabase(adminUrl, 'events', true)
  await migrate(database.pool)
  const lockFile = join(server!.folder, 'cluster', 'data', 'postmaster.pid')
  return {
    database,
    dataFolder: server!.folder,
    postmaster: () => Number.parseInt(readFileSync(lockFile, 'utf8'), 10),
    crash,
    start,
  }
}
