import { expect, test } from 'vitest'
import { Chance } from '../support/chance.ts'
import { breaches } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { anEvent, fileOf, makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import type { LogLine } from '../support/process.ts'
import { until } from '../support/until.ts'

const LEASE_SECONDS = '0.6'

test('51: a file that ends its process each time is parked after 3 claims alone, and others flow', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const poison = fileOf('poison.csv', [{ event: anEvent(new Chance(600)).with(6, 'POISON') }])
  const files = makeFiles(6, { seed: 601, rows: 50 })
  await publish([files[0]!, poison, ...files.slice(1)], folders)
  const start = (options = {}) =>
    startIngestor(database, folders, { INGEST_LEASE_SECONDS: LEASE_SECONDS }, options)

  let deaths = 0
  let parked: LogLine | null = null
  while (!parked) {
    const ingestor = start(DIES_OF_POISON)
    parked = await until('its death, or the parking', async () => {
      const said = ingestor.log.find(({ msg }) => msg?.startsWith('parked'))
      if (!said && (await stateOf('poison.csv', database))?.status === 'parked') return null
      return said ?? (ingestor.ended ? { msg: 'died' } : null)
    })
    if (parked.msg !== 'died') await ingestor.stop('SIGKILL')
    else {
      deaths++
      parked = null
    }
  }
  // Once in company, which counts for nothing, and three times alone.
  expect(deaths).toBe(4)
  expect(parked).toMatchObject({
    level: 'error',
    files: [{ fileName: 'poison.csv', message: expect.stringMatching(/^parked after 3 claims/) }],
  })
  const others = `select distinct status from ingest_files where file_name <> 'poison.csv'`
  expect(await database.query(others)).toEqual([{ status: 'done' }])

  // A release that can read it: nobody has to drop it again.
  const sound = start()
  await drained(database, [...files, poison])
  expect(await sound.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, folders, files: [...files, poison] })).toEqual([])
})

test('10 and 51: a good file that unrelated kills have parked is tried again, and done', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(1, { seed: 602, rows: 50 })
  await publish(files, folders)
  const settings = { INGEST_LEASE_SECONDS: LEASE_SECONDS }
  const parked = async () => (await stateOf(files[0]!.name, database))?.status === 'parked'
  // Each dies the moment it has the file, four times in a row.
  for (let kill = 0; kill < 4; kill++) {
    const victim = startIngestor(database, folders, {
      ...settings,
      INGEST_FAILPOINT: 'after-claim',
    })
    expect(await victim.exit()).toEqual({ code: null, signal: 'SIGKILL' })
  }
  const survivor = startIngestor(database, folders, settings)
  await until('the file to be parked', parked)
  await survivor.waitForLog('parked files are given another try')
  await drained(database, files)
  expect(await survivor.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, folders, files })).toEqual([])
})

/** Ends itself with SIGKILL when it has read a certain word. */
const DIES_OF_POISON = {
  nodeArgs: [
    '--import',
    `data:text/javascript,${encodeURIComponent(`
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const real = fs.readSync
      // Modules are read without a position.
      fs.readSync = (fd, buffer, offset, length, position) => {
        const found = real(fd, buffer, offset, length, position)
        const text = Buffer.from(buffer.buffer, buffer.byteOffset + offset, found)
        if (typeof position === 'number' && text.includes('POISON')) process.kill(process.pid, 'SIGKILL')
        return found
      }
      syncBuiltinESMExports()`)}`,
  ],
}

async function stateOf(name: string, database: TestDatabase) {
  const [row] = await database.query(
    'select status, byte_offset, attempts from ingest_files where file_name = $1',
    [name],
  )
  return row
}
