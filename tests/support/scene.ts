import { expect } from 'vitest'
import { breaches, type Checked } from './checker.ts'
import { type Folders, freshFolders } from './folders.ts'
import { drained, readiness, startIngestor } from './ingestor.ts'
import { makeFiles, publish } from './made-file.ts'
import { freshDatabase, type TestDatabase } from './postgres.ts'
import type { RunningService } from './process.ts'
import { until } from './until.ts'

export interface Scene {
  publishNow?: boolean
  count?: number
  database?: TestDatabase
}

export type Ordered = Required<Checked> & { database: TestDatabase; folders: Folders }

/** An ingestor that is ready, with files that it has or is yet to be given. */
export async function working({ publishNow = true, count = 6, ...given }: Scene) {
  const [database, folders] = await Promise.all([given.database ?? freshDatabase(), freshFolders()])
  const files = makeFiles(count, { seed: 400, rows: 400 })
  if (publishNow) await publish(files, folders)
  const ingestor = startIngestor(database, folders, { INGEST_BATCH_ROWS: '100' })
  await ingestor.waitForLog('ready')
  return { database, folders, files, ingestor }
}

/** The backlog drains, the process has lived through it all, it is fit again, and all is accounted for. */
export async function inOrder(checked: Ordered, ingestor: RunningService): Promise<void> {
  await drained(checked.database, checked.files, 45_000)
  await until('ready again', async () => (await readiness(ingestor)).status === 200, 15_000)
  expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches(checked)).toEqual([])
  expect(await checked.database.value('select sum(rows_duplicate)::int from ingest_files')).toBe(0)
}

export async function sessions(database: TestDatabase): Promise<number[]> {
  const rows = await database.query<{ pid: number }>(
    `select pid from pg_stat_activity
      where datname = current_database() and application_name like 'ingestor %'`,
  )
  return rows.map(({ pid }) => pid)
}

/** @returns how many there were */
export async function terminateSessions(database: TestDatabase): Promise<number> {
  return database.value<number>(
    `select count(*) from (
       select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'ingestor %') ended`,
  )
}
