import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { atTestEnd } from './cleanup.ts'

export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** What a service's process needs to reach it: POSTGRES_HOST and its kin. */
  readonly env: Record<string, string>
  /** Up to 5 connections; `bigint` arrives as a number, timestamps as PostgreSQL's text in UTC. */
  readonly pool: pg.Pool
  /** The rows of a query. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>
  /** The one value of a query that gives one row with one column. */
  value<Value = unknown>(sql: string, values?: readonly unknown[]): Promise<Value>
  /** Removes it, whoever is connected. Happens by itself at the end of the test. */
  drop(): Promise<void>
}

const INT8 = 20

/** A database of the test's own, with the newest schema and no rows. */
export async function freshDatabase(): Promise<TestDatabase> {
  const { adminUrl, template } = inject('postgres')
  const name = `test_${randomBytes(6).toString('hex')}`
  await asAdmin(adminUrl, `create database ${name} template ${template}`)
  return openDatabase(adminUrl, name)
}

/** A database with nothing in it, not even the schema. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const { adminUrl } = inject('postgres')
  const name = `test_${randomBytes(6).toString('hex')}`
  await asAdmin(adminUrl, `create database ${name} template template0`)
  return openDatabase(adminUrl, name)
}

/**
 * A database that is there already, on any server; removed at the end of the test, or kept where its
 * server is to go with all that is on it.
 */
export function openDatabase(adminUrl: string, name: string, kept = false): TestDatabase {
  const url = withDatabase(adminUrl, name)
  const pool = createTestPool(url)
  let dropped: Promise<void> | undefined
  const drop = async () => {
    await pool.end()
    if (kept) return
    await asAdmin(adminUrl, `drop database if exists ${name} with (force)`)
  }
  const database: TestDatabase = {
    name,
    url,
    env: environmentOf(url),
    pool,
    query: async (sql, values = []) => (await pool.query(sql, [...values])).rows as never,
    value: async (sql, values = []) => {
      const { rows } = await pool.query({ text: sql, values: [...values], rowMode: 'array' })
      return rows[0]?.[0] as never
    },
    drop: () => {
      dropped ??= drop()
      return dropped
    },
  }
  atTestEnd(database.drop)
  return database
}

function createTestPool(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 5,
    application_name: 'test',
    options: '-c timezone=UTC',
    types: {
      getTypeParser: (oid, format) => {
        if (oid === INT8) return Number
        // A `Date` would lose the microseconds.
        if (oid === pg.types.builtins.TIMESTAMPTZ) return String
        return pg.types.getTypeParser(oid, format as 'text')
      },
    },
  })
  // A test that ends backends at random ends these, too.
  pool.on('error', () => undefined)
  // A connection that is being closed is nobody's, and the end of its database still an error.
  pool.on('connect', client => client.on('error', () => undefined))
  return pool
}

async function asAdmin(adminUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function environmentOf(text: string): Record<string, string> {
  const url = new URL(text)
  return {
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: url.port || '5432',
    POSTGRES_DB: url.pathname.slice(1),
    POSTGRES_USER: decodeURIComponent(url.username),
    POSTGRES_PASSWORD: decodeURIComponent(url.password),
  }
}

function withDatabase(text: string, name: string): string {
  const url = new URL(text)
  url.pathname = `/${name}`
  return url.href
}
