import { inTransaction, type Pool, type Transaction } from '../runtime/database.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Batch } from './batch.ts'
import { advance, holdClaims, type Move, movesOf, outcomeOf } from './checkpoint.ts'
import { CONTENTION, errorCode, Fenced, OutOfTurn, triage, UNIQUE_VIOLATION } from './errors.ts'
import type { Failpoint } from './failpoint.ts'
import { loadRows } from './load.ts'
import { type Left, mergeAroundRefused, mergeRows } from './merge.ts'
import { quarantine, rejectsAmong } from './quarantine.ts'
import { type Retry, retrying } from './retry.ts'
import type { Reject } from './segment.ts'
import { sift } from './sift.ts'
import { laps, type Spent } from './spent.ts'
import { tuplesOf } from './tuple.ts'
import type { Turn } from './turn.ts'

/**
 * `copy` guesses that every row is new, `sift` asks first which are, `merge` guesses nothing, and
 * `bisect` also finds rows that the database refuses.
 */
export type Mode = 'copy' | 'sift' | 'merge' | 'bisect'

export interface Committing {
  pool: Pool
  owner: string
  leaseMs: number
  logger: Logger
  signal: AbortSignal
  /** The way that batches begin with: for as long as duplicates keep coming, one that expects them. */
  mode: { current: Mode }
  /** Batches that are being stored, in the order in which they were begun. */
  underWay: Set<Batch>
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

  const attempt = async (): Promise<Stored> => {
    const isFirst = attempts++ === 0
    const isOverlapping = isFirst && before !== null && overlaps(mode, before)
    const stored = isOverlapping ? before.follow() : async () => void (await before?.committed)
    const myTurn = async () => {
      await stored()
      if (isFirst) turn.recover()
    }
    if (!isOverlapping) await myTurn()
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
          sent = await store(tx, batch, mode, myTurn, to, lap)
          return sent
        },
        () => to.failpoint('commit-sent'),
      )
      lap('commit')
      to.failpoint('after-commit')
      return { ...kept, mode, attempts }
    } catch (error) {
      turn.stumble()
      // Somebody else stores the same ids at this moment: to ask which are new is no use then.
      if (mode === 'sift' && CONTENTION.includes(errorCode(error))) mode = 'merge'
      if (!(error instanceof OutOfTurn || error instanceof RowsRefused)) throw error
      if (error instanceof RowsRefused) mode = error.remedy(mode)
      backend = null
      return attempt()
    }
  }

  to.underWay.add(batch)
  return retrying(attempt, retry)
    .then(stored => {
      to.mode.current = leftOut(stored, batch) ? NEXT[stored.mode] : 'copy'
      return stored
    })
    .finally(() => to.underWay.delete(batch))
}

/**
 * Whether a first try may begin before the batch before is stored. A blind copy of rows must not where
 * that one has to try again: it would take the keys that it needs. Sifted rows are none of those.
 */
function overlaps(mode: Mode, before: Turn): boolean {
  return mode === 'sift' || (mode === 'copy' && !before.hasStumbled)
}

/** The way to begin the next batch with, when rows of this one were not loaded. */
const NEXT: Record<Mode, Mode> = { copy: 'copy', sift: 'sift', merge: 'merge', bisect: 'sift' }

async function store(
  tx: Transaction,
  batch: Batch,
  mode: Mode,
  myTurn: () => Promise<void>,
  to: Committing,
  lap: ReturnType<typeof laps>,
): Promise<Kept> {
  const toMyTurn = async () => {
    lap('load')
    await myTurn()
    lap(null)
  }
  await holdClaims(tx, batch)
  const left = await load(tx, batch, mode, to.underWay, toMyTurn)
  const rejects = [
    ...batch.segments.flatMap(segment => segment.rejects),
    ...rejectsAmong(left, batch),
  ]
  await quarantine(tx, rejects)
  to.failpoint('after-copy')
  const moves = movesOf(batch, left)
  await toMyTurn()
  await advance(tx, moves, to.leaseMs)
  to.failpoint('after-compare-and-set')
  return { moves, rejects }
}

/** @param myTurn waits for the batch before, if it is not stored yet; only keys that are new may come first */
async function load(
  tx: Transaction,
  batch: Batch,
  mode: Mode,
  underWay: Iterable<Batch>,
  myTurn: () => Promise<void>,
): Promise<Left[]> {
  const rows = { tuples: batch.segments.map(({ copy }) => copy), count: batch.rows }
  try {
    switch (mode) {
      case 'copy':
        await loadRows(tx, rows)
        return []
      case 'sift': {
        const { fresh, doubtful } = await sift(tx, batch, aheadOf(batch, underWay))
        await loadRows(tx, fresh)
        if (doubtful.count > 0) await myTurn()
        return await mergeRows(tx, doubtful)
      }
      case 'merge':
        return await mergeRows(tx, rows)
      case 'bisect':
        return await mergeAroundRefused(
          tx,
          batch.segments.flatMap(({ copy }) => tuplesOf(copy)),
        )
    }
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
    if (mode === 'merge' || errorCode(this.cause) !== UNIQUE_VIOLATION) return 'bisect'
    return mode === 'copy' ? 'sift' : 'merge'
  }
}

function* aheadOf(batch: Batch, underWay: Iterable<Batch>): Generator<Batch> {
  for (const other of underWay) {
    if (other === batch) return
    yield other
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
