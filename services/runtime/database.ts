import pg from 'pg'
import { Client as SecuredClient } from './client.ts'
import type { Target } from './connection.ts'
import type { Logger } from './logger.ts'

export type Pool = pg.Pool
export type Client = pg.PoolClient
/** What a writer needs: a client inside a transaction that somebody else opened. */
export type Transaction = pg.ClientBase

const INT8 = 20

export interface PoolOptions {
  /** Shown in `pg_stat_activity`; an ingestor's own connections are found by it. At most 63 bytes. */
  applicationName: string
  maxConnections: number
  /** How long to wait for a lock before the transaction is given up. Default 5 s. */
  lockTimeoutMs?: number
  /**
   * Whether a commit is on disk before it is answered. Default true. False is for what a crash of the
   * server may undo without harm: a claim, a lease, a mark that the next sweep sets again.
   */
  durable?: boolean
  /** A statement that has not answered after this long has lost its connection. Default 60 s. */
  queryTimeoutMs?: number
  /** Sessions that can write nothing, whatever their role may do. */
  readOnly?: boolean
}

/**
 * A pool whose sessions speak UTC and wait for nothing without an end. `bigint` arrives as a
 * number: counts and offsets stay far below 2^53.
 */
export function createPool(target: Target, options: PoolOptions, logger: Logger): Pool {
  const queryTimeoutMs = options.queryTimeoutMs ?? 60_000
  const pool = new pg.Pool({
    ...target,
    ssl: target.tls.ssl,
    // The driver's types know of no client that is given the pool's options.
    Client: SecuredClient as never,
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 0,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: queryTimeoutMs,
    options: [
      '-c timezone=UTC',
      '-c datestyle=ISO,YMD',
      // Rows are looked up by key; the checkpoint is in memory, not on a disk that has to seek.
      '-c random_page_cost=1.1',
      ...(options.readOnly ? ['-c default_transaction_read_only=on'] : []),
      `-c lock_timeout=${options.lockTimeoutMs ?? 5_000}`,
      `-c statement_timeout=${queryTimeoutMs}`,
      ...(options.durable === false ? ['-c synchronous_commit=off'] : []),
      `-c idle_in_transaction_session_timeout=${queryTimeoutMs}`,
    ].join(' '),
    types: {
      getTypeParser: (oid, format) =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
    },
  })
  // Without a listener the end of an idle connection would end the process.
  pool.on('error', error => logger.warn({ err: error }, 'an idle database connection was lost'))
  const clients = new Set<SecuredClient>()
  pool.on('connect', client => clients.add(client as never))
  pool.on('remove', client => clients.delete(client as never))
  connected.set(pool, clients)
  return pool
}

const connected = new WeakMap<Pool, ReadonlySet<SecuredClient>>()

/** Every session ends at once, and with it what it was asked to do; new ones may begin. */
export function cutConnections(pool: Pool): void {
  for (const client of connected.get(pool) ?? []) client.cut()
}

/**
 * Runs `work` between BEGIN and COMMIT. A client that saw an error is thrown away, not reused: what
 * state its session is in is not worth finding out.
 * @throws CommitRefused when the server answered COMMIT with a rollback
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (tx: Client) => Promise<T>,
  onCommitSent = () => {},
): Promise<T> {
  const client = await pool.connect()
  try {
    // A deferred constraint would speak at COMMIT, where no row can be told from its neighbours.
    await client.query('begin; set constraints all immediate')
    const result = await work(client)
    const answer = client.query('commit')
    onCommitSent()
    const { command } = await answer
    if (command !== 'COMMIT') throw new CommitRefused(command)
    client.release()
    return result
  } catch (error) {
    client.release(error as Error)
    throw error
  }
}

/** COMMIT after a failed statement does not fail: the server answers `ROLLBACK` and keeps nothing. */
export class CommitRefused extends Error {
  readonly code = '25P02'

  constructor(tag: string) {
    super(`expected the server to answer COMMIT, found ${tag}: nothing was stored`)
    this.name = 'CommitRefused'
  }
}
