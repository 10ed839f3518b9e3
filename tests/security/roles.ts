import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../services/local/postgres.ts'
import { migrate } from '../../services/migrate/migrate.ts'
import { atTestEnd } from '../support/cleanup.ts'

export const ROLES = ['owner', 'ingest_writer', 'ingest_reader', 'ingest_operator'] as const
export type Role = (typeof ROLES)[number]

export interface RoleServer {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly passwords: Record<Role, string>
  /** A connection of the role's own, by its password. */
  as(role: Role): Promise<pg.Client>
}

const DATABASE = 'ecommerce_db'

/** A server of the test's own with the schema on it, and a password for each role; `settings` are postgresql.conf's. */
export async function roleServer(settings: Record<string, string> = {}): Promise<RoleServer> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-folder-roles-'))
  const server = await startPostgres({
    folder,
    user: 'myuser',
    port: 0,
    prefer: 'system',
    settings,
  })
  atTestEnd(async () => {
    await server.stop('immediate')
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const secret = () => randomBytes(12).toString('hex')
  const passwords = {
    owner: server.password,
    ingest_writer: secret(),
    ingest_reader: secret(),
    ingest_operator: secret(),
  }
  const { host, port } = server
  const connect = async (user: string, password: string, database: string) => {
    const client = new pg.Client({ host, port, user, password, database, types: TEXT })
    client.on('error', () => {})
    await client.connect()
    atTestEnd(() => client.end())
    return client
  }
  const admin = await connect(server.user, server.password, 'postgres')
  await admin.query(`create database ${DATABASE}`)
  const pool = new pg.Pool({
    host,
    port,
    user: server.user,
    password: server.password,
    database: DATABASE,
    max: 1,
  })
  const { ingest_writer, ingest_reader } = passwords
  await migrate(pool, { ingest_writer, ingest_reader })
  await pool.query(`alter role ingest_operator login password '${passwords.ingest_operator}'`)
  await pool.end()
  return {
    ...{ host, port, database: DATABASE, passwords },
    as: role => connect(role === 'owner' ? server.user : role, passwords[role], DATABASE),
  }
}

const TEXT = { getTypeParser: () => String } as never
