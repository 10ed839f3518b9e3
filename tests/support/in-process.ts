import pino from 'pino'
import type { Batch } from '../../services/ingestor/batch.ts'
import { inBatches } from '../../services/ingestor/batch.ts'
import { type Appetite, type Claim, claimFiles } from '../../services/ingestor/claim.ts'
import { type Committing, commit, type Stored } from '../../services/ingestor/commit.ts'
import { sweep } from '../../services/ingestor/discover.ts'
import { FolderClock } from '../../services/ingestor/folder-clock.ts'
import { segments } from '../../services/ingestor/judge.ts'
import { Turn } from '../../services/ingestor/turn.ts'
import { connection } from '../../services/runtime/connection.ts'
import { createPool, type Pool } from '../../services/runtime/database.ts'
import { atTestEnd } from './cleanup.ts'
import type { Folders } from './folders.ts'
import type { TestDatabase } from './postgres.ts'

const now = () => performance.now()

/** The parts of an ingestor, to be run by hand and in any order, against a real PostgreSQL. */
export interface Hands {
  readonly owner: string
  readonly pool: Pool
  readonly committing: Committing
  /** What was logged. */
  readonly log: { msg: string; [field: string]: unknown }[]
  sweep(): Promise<unknown>
  claim(appetite?: Partial<Appetite>): Promise<Claim[]>
  /** The batches of claimed files, read to their present end. */
  batches(claims: readonly Claim[], batchRows?: number): Batch[]
  commit(batch: Batch, before?: Turn): Promise<Stored>
  /** Begins a commit without waiting for it. */
  begin(batch: Batch, before?: Turn): Turn
}

export function hands(
  database: Pick<TestDatabase, 'env'>,
  folders: Folders,
  options: Partial<Committing> & {
    owner?: string
    queryTimeoutMs?: number
    lockTimeoutMs?: number
  } = {},
): Hands {
  const owner = options.owner ?? `ingestor test ${Math.random().toString(36).slice(2, 8)}`
  const leaseMs = options.leaseMs ?? 30_000
  const log: Hands['log'] = []
  const logger = pino({ level: 'debug' }, { write: line => void log.push(JSON.parse(line)) })
  const pool = createPool(
    connection(database.env),
    {
      applicationName: owner,
      maxConnections: 6,
      lockTimeoutMs: options.lockTimeoutMs ?? 1_000,
      queryTimeoutMs: options.queryTimeoutMs ?? 20_000,
    },
    logger,
  )
  const stop = new AbortController()
  atTestEnd(async () => {
    stop.abort()
    await pool.end()
  })
  const committing: Committing = {
    ...{ pool, owner, leaseMs, logger, signal: stop.signal, mode: { current: 'copy' } },
    underWay: new Set(),
    failpoint: () => {},
    spent: () => {},
    onFault: () => {},
    ...options,
  }
  const discovery = {
    pool,
    inputDir: folders.input,
    clock: new FolderClock(folders.input),
    onRefused: () => {},
  }
  const begin = (batch: Batch, before: Turn | null = null) =>
    new Turn(before, turn => commit(batch, turn, before, committing))
  return {
    ...{ owner, pool, committing, log },
    sweep: () => sweep(discovery),
    claim: appetite =>
      claimFiles(
        pool,
        {
          owner,
          leaseMs,
          files: 100,
          bytes: 1e9,
          suspects: 'all',
          held: [],
          onParked: () => {},
          ...appetite,
        },
        now,
      ),
    batches: (claims, batchRows = 1_000) => {
      const judging = { inputDir: folders.input, maxLineBytes: 65_536, settleMs: 0, batchRows, now }
      const judged = claims.flatMap(claim => [...segments(claim, judging)])
      return [...inBatches(judged, { batchRows, batchBytes: 1e9, batchSegments: 4_000 })]
    },
    begin,
    commit: (batch, before) => begin(batch, before).committed as Promise<Stored>,
  }
}
