import { inTransaction, type Pool, type Transaction } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Batch } from './batch.ts'
import { advance, holdClaims, type Move, movesOf, outcomeOf } from './checkpoint.ts'
import { errorCode, Fenced, OutOfTurn, triage, UNIQUE_VIOLATION } from './errors.ts'
import type { Failpoint } from './failpoint.ts'
import { loadRows } from './load.ts'
import { type Left, mergeAroundRefused, mergeRows } from './merge.ts'
import { quarantine, rejectsAmong } from './quarantine.ts'
import { type Retry, retrying } from './retry.ts'
import type { Reject } from './segment.ts'
import { laps, type Spent } from './spent.ts'
import { tuplesOf } from './tuple.ts'
import type { Turn } from './turn.ts'

/** `copy` guesses that every row is new, `merge` looks, `bisect` also finds rows the database refuses. */
export type Mode = 'copy' | 'merge' | 'bisect'

export interface Committing {
  pool: Pool
  owner: string
  leaseMs: number
  logger: Logger
  signal: AbortSignal
  /** The way that batches begin with; `merge` for as long as duplicates keep coming. */
  mode: { current: Mode }
  failpoint: (point: Failpoint) => void
  /** Hears what loading and committing took. */
  spent: Spent
  onFault: NonNullable<Retry['onFault']>
}

/** What a transaction does, or did. */
export interface Kept {
  moves: Move[]
  rejects: Reject[]
}

/** What one batch came to, as it stands in the database. */
export interface Stored extends Kept {
  mode: Mode
  attempts: number
}

/**
 * Stores a batch exactly once: its rows, its rejects and the offsets they reach, in one transaction,
 * tried again for as long as the database cannot be used. A batch that goes on with the file of the
 * one before (`before`) copies its rows meanwhile, but moves the offset only after that one's commit.
 * @throws Fenced where a file has another owner now; nothing of the batch is stored then
 * @throws the signal's reason when stopped before it could be stored
 */
export function commit(
  batch: Batch,
  turn: Turn,
  before: Turn | null,
  to: Committing,
): Promise<Stored> {
  const retry: Retry = { what: 'commit', logger: to.logger, signal: to.signal, onFault: to.onFault }
  let mode = to.mode.current
  let attempts = 0
  // The try before: its session, and what it had done when it sent COMMIT.
  let backend: number | null = null
  let sent: Kept | null = null

  // A stumble is felt all down the row. One that waits for its turn with nothing open has not tried
  // anything, yet the one after it may hold a key that the one before is waiting for.
  void before?.firstTry.then(first => first || turn.stumble())

  const attempt = async (): Promise<Stored> => {
    // The first try alone overlaps the batch before, and only while no key is expected to be there
    // already: it might be the other's. Any other begins when that one is stored.
    const overlapped = attempts++ === 0 && mode === 'copy' ? before : null
    if (!overlapped) await before?.committed
    if (backend !== null) await endSession(backend, to)
    if (sent && (await wasStored(sent, to))) return { ...sent, mode, attempts }
    sent = null
    const lap = laps(to.spent)
    try {
      const kept = await inTransaction(
        to.pool,
        async tx => {
          backend = (tx as unknown as { processID: number }).processID
          to.failpoint('after-begin')
          sent = await store(tx, batch, mode, overlapped, to, lap)
          return sent
        },
        () => to.failpoint('commit-sent'),
      )
      lap('commit')
      to.failpoint('after-commit')
      return { ...kept, mode, attempts }
    } catch (error) {
      turn.stumble()
      if (!(error instanceof OutOfTurn || error instanceof RowsRefused)) throw error
      if (error instanceof RowsRefused) mode = error.remedy(mode)
      backend = null
      return attempt()
    }
  }

  return retrying(attempt, retry).then(stored => {
    to.mode.current = stored.mode !== 'copy' && leftOut(stored, batch) ? 'merge' : 'copy'
    return stored
  })
}

async function store(
  tx: Transaction,
  batch: Batch,
  mode: Mode,
  overlapped: Turn | null,
  to: Committing,
  lap: ReturnType<typeof laps>,
): Promise<Kept> {
  await holdClaims(tx, batch)
  const left = await load(tx, batch, mode)
  const rejects = [
    ...batch.segments.flatMap(segment => segment.rejects),
    ...rejectsAmong(left, batch),
  ]
  await quarantine(tx, rejects)
  lap('load')
  to.failpoint('after-copy')
  const moves = movesOf(batch, left)
  if (overlapped && !(await overlapped.firstTry)) throw new OutOfTurn()
  lap(null)
  await advance(tx, moves, to.leaseMs)
  to.failpoint('after-compare-and-set')
  return { moves, rejects }
}

async function load(tx: Transaction, batch: Batch, mode: Mode): Promise<Left[]> {
  const rows = { tuples: batch.segments.map(({ copy }) => copy), count: batch.rows }
  try {
    if (mode === 'merge') return await mergeRows(tx, rows)
    if (mode === 'bisect')
      return await mergeAroundRefused(
        tx,
        batch.segments.flatMap(({ copy }) => tuplesOf(copy)),
      )
    await loadRows(tx, rows)
    return []
  } catch (error) {
    if (triage(error) === 'data') throw new RowsRefused(error)
    throw error
  }
}

/** The rows themselves are at fault, not the world: another way of loading tells which. */
class RowsRefused extends Error {
  constructor(cause: unknown) {
    super('the database refuses rows of the batch', { cause })
  }

  remedy(mode: Mode): Mode {
    if (mode === 'bisect') throw this.cause
    return mode === 'copy' && errorCode(this.cause) === UNIQUE_VIOLATION ? 'merge' : 'bisect'
  }
}

/** The session of the try before may still hold its locks, or have a COMMIT on its way. */
async function endSession(backend: number, to: Committing): Promise<void> {
  await to.pool.query(
    'select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid = $1 and application_name = $2',
    [backend, to.owner],
  )
}

/** Whether a transaction whose COMMIT was not answered was stored after all. */
async function wasStored({ moves }: Kept, to: Committing): Promise<boolean> {
  const outcome = await outcomeOf(to.pool, moves)
  if (outcome === 'lost') throw new Fenced(moves.map(({ claim }) => claim.fileId))
  if (outcome === 'committed') {
    to.logger.info(
      { files: moves.length },
      'the answer to COMMIT was lost; the checkpoint shows that it was stored',
    )
  }
  return outcome === 'committed'
}

function leftOut({ moves }: Stored, batch: Batch): boolean {
  return moves.reduce((sum, { loaded }) => sum + loaded, 0) < batch.rows
}
