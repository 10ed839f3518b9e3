import type { Pool, Transaction } from '../runtime/database.ts'
import type { Batch } from './batch.ts'
import { type Left, mergeAroundRefused } from './merge.ts'
import { tuplesOf } from './tuple.ts'

/** What a load would come to, found out from the database itself and then taken back. */
export interface Rehearsal {
  /** A number for a file that stands in the checkpoint for as long as the rehearsal lasts. */
  enter(fileName: string): Promise<number>
  /** @returns the rows that would not be loaded, and why */
  load(batch: Batch): Promise<Left[]>
}

/** Runs `work` in a transaction that is always rolled back. */
export async function rehearsed<T>(
  pool: Pool,
  work: (rehearsal: Rehearsal) => Promise<T>,
): Promise<T> {
  const tx = await pool.connect()
  try {
    await tx.query('begin')
    await tx.query('set constraints all immediate')
    return await work({
      enter: fileName => enter(tx, fileName),
      load: ({ segments }) =>
        mergeAroundRefused(
          tx,
          segments.flatMap(({ copy }) => tuplesOf(copy)),
        ),
    })
  } finally {
    await tx.query('rollback').catch(() => {})
    tx.release(true)
  }
}

// Under a generation that no ingestor comes to, so that none has to wait for the end of this.
async function enter(tx: Transaction, fileName: string): Promise<number> {
  const { rows } = await tx.query(
    `insert into ingest_files (file_name, generation, size_bytes, mtime_ns, inode)
     values ($1, 1000000000 + floor(random() * 1000000000)::integer, 0, 0, 0) returning file_id`,
    [fileName],
  )
  return rows[0].file_id
}
