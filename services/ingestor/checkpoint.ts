import type { Pool, Transaction } from '../runtime/database.ts'
import type { Batch } from './batch.ts'
import type { Claim } from './claim.ts'
import { Fenced } from './errors.ts'
import type { Left } from './merge.ts'
import type { Next, Segment } from './segment.ts'

/** How one transaction moves one file: what its compare-and-set expects, and what it sets. */
export interface Move {
  claim: Claim
  from: number
  to: number
  lineNo: number
  linesBlank: number
  loaded: number
  duplicate: number
  rejected: number
  tail: Segment['tail']
  columns: Segment['columns']
  next: Next
}

/**
 * One comparison of all columns, which the planner takes for what it is: a condition of the join.
 * Apart, its guess that few files are active makes it scan the whole checkpoint for each batch: 60
 * times as long with 20,000 files.
 */
const OURS = (there: string, expected: string) =>
  `row(${there}) is not distinct from row(${expected})`

/**
 * Holds the batch's files against takeover while the transaction runs, and finds out at its start
 * whether they are still ours. A share lock, so that two transactions of one file can overlap; an
 * ingestor that takes over a file needs the lock alone, and so sees who is in its way.
 * @throws Fenced naming the files that have another owner
 */
export async function holdClaims(tx: Transaction, batch: Batch): Promise<void> {
  const claims = [...new Set(batch.segments.map(({ claim }) => claim))]
  const { rows } = await tx.query({
    name: 'hold claims',
    text: `select f.file_id
       from unnest($1::bigint[], $2::bigint[]) as mine (file_id, epoch)
       join ingest_files f using (file_id)
      where ${OURS('f.epoch, f.status', "mine.epoch, 'active'")}
      order by f.file_id
        for key share of f`,
    values: [claims.map(({ fileId }) => fileId), claims.map(({ epoch }) => epoch)],
  })
  if (rows.length < claims.length) {
    const held = new Set(rows.map(row => row.file_id))
    throw new Fenced(claims.map(({ fileId }) => fileId).filter(fileId => !held.has(fileId)))
  }
}

/**
 * The compare-and-set that makes each row load once: moves every file of the batch from the offset
 * it was read at to the offset its rows reach, if it is still ours and still there.
 * @throws Fenced where any file is not; the caller's transaction then keeps nothing
 */
export async function advance(
  tx: Transaction,
  moves: readonly Move[],
  leaseMs: number,
): Promise<void> {
  const column = <T>(of: (move: Move) => T) => moves.map(of)
  const seen = ({ next }: Move) => ('seen' in next ? next.seen : undefined)
  const { rows } = await tx.query({
    name: 'advance',
    text: `update ingest_files f
        set byte_offset    = m.to_offset,
            line_no        = m.line_no,
            lines_blank    = f.lines_blank + m.blank,
            rows_read      = f.rows_read + m.loaded + m.duplicate + m.rejected,
            rows_loaded    = f.rows_loaded + m.loaded,
            rows_duplicate = f.rows_duplicate + m.duplicate,
            rows_rejected  = f.rows_rejected + m.rejected,
            tail_bytes     = coalesce(m.tail_bytes, f.tail_bytes),
            tail_hash      = coalesce(m.tail_hash, f.tail_hash),
            columns        = coalesce(string_to_array(m.columns, ','), f.columns),
            status         = m.status,
            reason         = m.reason,
            message        = m.message,
            owner          = case when m.status = 'active' then f.owner end,
            lease_until    = case when m.status = 'active' then clock_timestamp() + $1 * interval '1 ms' end,
            attempts       = 0,
            due_at         = clock_timestamp() + m.wait_ms * interval '1 ms',
            size_bytes     = greatest(coalesce(m.size_bytes, f.size_bytes), m.to_offset),
            mtime_ns       = coalesce(m.mtime_ns, f.mtime_ns),
            inode          = coalesce(m.inode, f.inode),
            still_since    = coalesce(clock_timestamp() - m.still_ms * interval '1 ms', f.still_since),
            loaded_at      = case when m.to_offset > m.from_offset then statement_timestamp() else f.loaded_at end,
            finished_at    = case when m.status not in ('active', 'pending') then clock_timestamp() end,
            archived_at    = case when m.reason = 'changed' then clock_timestamp() end
       from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                   $8::bigint[], $9::bigint[], $10::bigint[], $11::integer[], $12::bytea[], $13::text[],
                   $14::text[], $15::text[], $16::text[], $17::float8[], $18::bigint[], $19::bigint[],
                   $20::numeric[], $21::float8[])
         as m (file_id, epoch, from_offset, to_offset, line_no, blank,
               loaded, duplicate, rejected, tail_bytes, tail_hash, columns,
               status, reason, message, wait_ms, size_bytes, mtime_ns,
               inode, still_ms)
      where f.file_id = m.file_id
        and ${OURS('f.epoch, f.byte_offset, f.status', "m.epoch, m.from_offset, 'active'")}
     returning f.file_id`,
    values: [
      leaseMs,
      column(({ claim }) => claim.fileId),
      column(({ claim }) => claim.epoch),
      column(({ from }) => from),
      column(({ to }) => to),
      column(({ lineNo }) => lineNo),
      column(({ linesBlank }) => linesBlank),
      column(({ loaded }) => loaded),
      column(({ duplicate }) => duplicate),
      column(({ rejected }) => rejected),
      column(({ tail }) => tail?.bytes),
      column(({ tail }) => tail?.hash),
      column(({ columns }) => columns?.join(',')),
      column(({ next }) => next.status),
      column(({ next }) => ('reason' in next ? next.reason : null)),
      column(({ next }) => ('message' in next ? next.message : null)),
      column(({ next }) => ('waitMs' in next ? next.waitMs : 0)),
      column(move => seen(move)?.sizeBytes),
      column(move => seen(move)?.mtimeNs.toString()),
      column(move => seen(move)?.inode.toString()),
      column(({ next }) => ('stillMs' in next ? next.stillMs : null)),
    ],
  })
  if (rows.length < moves.length) {
    const moved = new Set(rows.map(row => row.file_id))
    throw new Fenced(moves.map(({ claim }) => claim.fileId).filter(fileId => !moved.has(fileId)))
  }
}

/** One move a file: its segments in a row, with what became of the rows that were left out. */
export function movesOf(batch: Batch, left: readonly Left[]): Move[] {
  const moves = new Map<number, Move>()
  for (const segment of batch.segments) {
    const { claim, from, to, lineNo, linesBlank, offsets, rejects, tail, columns, next } = segment
    const move = moves.get(claim.fileId) ?? newMove(claim, from)
    moves.set(claim.fileId, move)
    move.to = to
    move.lineNo = lineNo
    move.linesBlank += linesBlank
    move.loaded += offsets.length
    move.rejected += rejects.length
    move.tail = tail ?? move.tail
    move.columns = columns ?? move.columns
    move.next = next
  }
  for (const { fileId, reject } of left) {
    const move = moves.get(fileId)!
    move.loaded--
    if (reject) move.rejected++
    else move.duplicate++
  }
  return [...moves.values()]
}

function newMove(claim: Claim, from: number): Move {
  return {
    claim,
    from,
    to: from,
    lineNo: 0,
    linesBlank: 0,
    loaded: 0,
    duplicate: 0,
    rejected: 0,
    tail: null,
    columns: null,
    next: { status: 'active' },
  }
}

/**
 * What became of a transaction whose COMMIT was never answered. All its moves stand or none does, so
 * one that can be told is enough. `lost`: other hands have been on every file since.
 */
export async function outcomeOf(
  pool: Pool,
  moves: readonly Move[],
): Promise<'committed' | 'not committed' | 'lost'> {
  const { rows } = await pool.query(
    'select file_id, epoch, byte_offset, status from ingest_files where file_id = any($1::bigint[])',
    [moves.map(({ claim }) => claim.fileId)],
  )
  const now = new Map(rows.map(row => [row.file_id, row]))
  const stands = (move: Move, offset: number, status: string) => {
    const row = now.get(move.claim.fileId)
    return row?.epoch === move.claim.epoch && row.byte_offset === offset && row.status === status
  }
  if (moves.some(move => stands(move, move.from, 'active'))) return 'not committed'
  return moves.some(move => stands(move, move.to, move.next.status)) ? 'committed' : 'lost'
}
