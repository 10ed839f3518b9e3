import type { Transaction } from '../runtime/database.ts'
import type { Batch } from './batch.ts'
import { ID_BYTES, Ids } from './ids.ts'
import type { CopyRows } from './load.ts'
import { endOfTuple, ID_IN_TUPLE, uuidArray } from './tuple.ts'

export interface Sifted {
  /** Rows whose id is nowhere to be seen. */
  fresh: CopyRows
  /** Rows whose id is in the table, in a batch that is under way, or earlier in their own batch. */
  doubtful: CopyRows
}

/**
 * Parts a batch in rows that may go straight into the table and rows that must be merged: where one row
 * in ten is a duplicate, nine need no careful way. It is a guess, which another process may spoil by
 * storing an id meanwhile: PostgreSQL then refuses the COPY, and all rows of the batch are merged.
 * @param underWay batches of this process whose rows the table does not show yet
 */
export async function sift(
  tx: Transaction,
  batch: Batch,
  underWay: Iterable<Batch>,
): Promise<Sifted> {
  // Before the table is asked: a batch that is stored meanwhile may be in neither otherwise.
  const elsewhere = [...underWay].map(idsOf)
  elsewhere.push(await idsInTable(tx, batch))
  const own = new Ids(batch.rows)
  known.set(batch, own)
  const fresh = new Runs()
  const doubtful = new Runs()
  for (const { copy } of batch.segments) {
    for (let from = 0; from < copy.length; ) {
      const end = endOfTuple(copy, from)
      const id = from + ID_IN_TUPLE
      // The first of equal ids is the one that loads.
      const isNew = own.add(copy, id) && !elsewhere.some(ids => ids.has(copy, id))
      ;(isNew ? fresh : doubtful).add(copy, from, end)
      from = end
    }
    fresh.cut(copy)
    doubtful.cut(copy)
  }
  return { fresh, doubtful }
}

/**
 * By index, one id after the other: a plan that reads the whole table instead, which many ids at once
 * may talk the planner into, takes longer with every row that is loaded. (What it then thinks of scanning
 * the few rows to be merged would make it compile them.) And two ingestors that store the same ids may
 * each wait for the other's batch before, a deadlock that PostgreSQL cannot see: it ends after the second
 * that PostgreSQL gives its own.
 */
const SETTINGS = `set local enable_seqscan = off; set local jit = off; set local lock_timeout = '1s'`

async function idsInTable(tx: Transaction, batch: Batch): Promise<Ids> {
  const greatest = await greatestInTable(tx)
  // An id that is above all others is not there: of UUIDv7s, whose order is that of their time, most.
  const asked = greatest && uuidArray(batch.segments, batch.rows, greatest)
  if (!asked) return new Ids(0)
  const { rows } = await tx.query<{ ids: Buffer | null }>(
    `select string_agg(uuid_send(event_id), '') as ids
       from user_activity where event_id = any($1::uuid[])`,
    [asked],
  )
  const found = rows[0]!.ids ?? Buffer.alloc(0)
  const ids = new Ids(found.length / ID_BYTES)
  for (let at = 0; at < found.length; at += ID_BYTES) ids.add(found, at)
  return ids
}

/** The greatest id; null where the table is empty. */
async function greatestInTable(tx: Transaction): Promise<Buffer | null> {
  await tx.query(SETTINGS)
  const { rows } = await tx.query<{ id: Buffer }>(
    'select uuid_send(event_id) as id from user_activity order by event_id desc limit 1',
  )
  return rows[0]?.id ?? null
}

const known = new WeakMap<Batch, Ids>()

/** Made once, and only where duplicates come. */
function idsOf(batch: Batch): Ids {
  const there = known.get(batch)
  if (there) return there
  const ids = new Ids(batch.rows)
  known.set(batch, ids)
  for (const { copy } of batch.segments)
    for (let from = 0; from < copy.length; from = endOfTuple(copy, from))
      ids.add(copy, from + ID_IN_TUPLE)
  return ids
}

/** Tuples, those that stand side by side as one piece. */
class Runs implements CopyRows {
  readonly tuples: Buffer[] = []
  count = 0
  #from = 0
  #end = 0

  add(copy: Buffer, from: number, end: number): void {
    if (from !== this.#end) this.cut(copy)
    if (this.#end === this.#from) this.#from = from
    this.#end = end
    this.count++
  }

  /** Ends the run: what comes next is of another buffer, or does not follow on. */
  cut(copy: Buffer): void {
    if (this.#end > this.#from) this.tuples.push(copy.subarray(this.#from, this.#end))
    this.#from = this.#end = 0
  }
}
