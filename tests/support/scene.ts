import { expect } from 'vitest'
import { breaches, type Checked } from './checker.ts'
import { type Folders, freshFolders } from './folders.ts'
import { drained, readiness, startIngestor } from './ingestor.ts'
import { makeFiles, publish } from './made-file.ts'
import { freshDatabase, type TestDatabase } from './postgres.ts'
import type { RunningService } from './process.ts'
import { startProxy } from './proxy.ts'
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

/** An ingestor whose second statement of a kind is on its way and does not arrive until released. */
export async function heldInBatch(statement: RegExp, nodeArgs: string[] = []) {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(3, { seed: 300, rows: 300 })
  const proxy = await startProxy(database)
  const held = Promise.withResolvers<void>()
  let passed = 0
  proxy.mischief = text =>
    statement.test(text) && ++passed === 2 ? { kind: 'hold', until: held.promise } : null
  const settings = { INGEST_BATCH_ROWS: '100' }
  const ingestor = startIngestor(proxy, folders, settings, { nodeArgs })
  await ingestor.waitForLog('ready')
  await publish(files, folders)
  await until('a batch under way', () => proxy.done > 0)
  return { database, folders, files, proxy, ingestor, release: held.resolve }
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
