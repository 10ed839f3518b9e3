import { type RunningDashboard, startDashboard } from '../support/dashboard.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { type MadeFile, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import type { RunningService } from '../support/process.ts'

/** A database, an ingestor and a dashboard, all of them real. */
export interface System {
  database: TestDatabase
  folders: Folders
  ingestor: RunningService
  dashboard: RunningDashboard
  /** Drops the files and waits until they are done. */
  ingest(...files: MadeFile[]): Promise<void>
}

export async function startSystem(): Promise<System> {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const ingestor = startIngestor(database, folders)
  const dashboard = await startDashboard(database)
  await dashboard.until('the ingestor', ({ seen }) => seen?.ingestors.length === 1)
  return {
    ...{ database, folders, ingestor, dashboard },
    async ingest(...files) {
      await publish(files, folders)
      await drained(database, files)
    },
  }
}
