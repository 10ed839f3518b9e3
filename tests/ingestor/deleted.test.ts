import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { breaches, countersOff } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { readiness, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

test('48: deleted while it is read, it is finished from the open descriptor', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  // Of several chunks, of which only the first can have been read when the batch is held.
  const files = makeFiles(1, { seed: 610, rows: 12_000 })
  const proxy = await startProxy(database)
  const held = Promise.withResolvers<void>()
  proxy.mischief = text => {
    if (!/^copy data$/.test(text) || proxy.done > 0) return null
    return { kind: 'hold', until: held.promise }
  }
  const settings = { INGEST_BATCH_ROWS: '500', INGEST_CONNECTIONS: '1' }
  const ingestor = startIngestor(proxy, folders, settings)
  await ingestor.waitForLog('ready')
  await publish(files, folders)
  await until('a batch under way', () => proxy.done > 0)
  await unlink(join(folders.input, files[0]!.name))
  held.resolve()
  await until('the end', async () => (await stateOf(database))?.archived)
  expect(await stateOf(database)).toEqual({ status: 'done', archived: true, archived_as: null })
  expect(await readdir(folders.archive)).toEqual([])
  expect((await readiness(ingestor)).status).toBe(200)
  expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, files })).toEqual([])
})

test('48: deleted after its last row and before the archive, it is done, and nobody looks for it for ever', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(1, { seed: 611, rows: 100 })
  await publish(files, folders)
  const victim = startIngestor(database, folders, { INGEST_FAILPOINT: 'before-archive' })
  expect(await victim.exit()).toEqual({ code: null, signal: 'SIGKILL' })
  await unlink(join(folders.input, files[0]!.name))
  const ingestor = startIngestor(database, folders)
  await until('the mark', async () => (await stateOf(database))?.archived)
  expect(await stateOf(database)).toEqual({ status: 'done', archived: true, archived_as: null })
  expect((await readiness(ingestor)).status).toBe(200)
  expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, files })).toEqual([])
  expect(await countersOff(database)).toEqual([])
})

async function stateOf(database: TestDatabase) {
  const [file] = await database.query<{ archived: boolean }>(
    'select status, archived_at is not null as archived, archived_as from ingest_files',
  )
  return file
}
