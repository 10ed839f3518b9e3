import { timed } from './child.ts'
import { type DataDir, dataDir } from './folders.ts'
import type { Bench } from './question.ts'
import type { Database } from './stand.ts'

/** An empty database right after a checkpoint, and empty folders: both removed afterwards. */
export async function withFresh<T>(
  { stand, made }: Bench,
  work: (database: Database, data: DataDir) => Promise<T>,
): Promise<T> {
  const data = await dataDir(made.folder)
  const database = await stand.fresh()
  try {
    return await work(database, data)
  } finally {
    await database.drop()
    await data.remove()
  }
}

/** What was prepared is not to be written to the disk at the expense of the side that is timed. */
export async function flushed({ signal }: Bench): Promise<void> {
  await timed('sync', [], { signal })
}
