import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Pool } from './database.ts'
import { ConfigurationError } from './env.ts'

export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file's bytes, in hex. */
  readonly hash: string
}

const FOLDER = new URL('../../sql/', import.meta.url)
const NAME = /^(\d{4})_[a-z0-9_]+\.sql$/

/** The numbered files of `sql/`, in order. */
export function migrations(): Migration[] {
  return readdirSync(FOLDER)
    .filter(name => NAME.test(name))
    .sort()
    .map(name => {
      const sql = readFileSync(new URL(name, FOLDER), 'utf8')
      const hash = createHash('sha256').update(sql).digest('hex')
      return { version: Number(name.slice(0, 4)), name, sql, hash }
    })
}

/**
 * Whether the database has the schema that this code was written for.
 * @throws ConfigurationError naming both versions where it has another one
 */
export async function requireSchema(pool: Pool): Promise<void> {
  const wanted = migrations().at(-1)!.version
  const found = await schemaVersion(pool)
  if (found === wanted) return
  const remedy =
    found < wanted
      ? 'run `npm run migrate` (in Docker: `docker compose run --rm migrate`)'
      : 'use the newer release that made it'
  throw new ConfigurationError([`schema: expected version ${wanted}, found ${found}; ${remedy}`])
}

/** The number of the newest migration in the database; 0 where there is none. */
export async function schemaVersion(pool: Pool): Promise<number> {
  const {
    rows: [table],
  } = await pool.query(`select to_regclass('schema_migrations') is not null as there`)
  if (!table.there) return 0
  const {
    rows: [row],
  } = await pool.query('select coalesce(max(version), 0) as version from schema_migrations')
  return row.version
}
