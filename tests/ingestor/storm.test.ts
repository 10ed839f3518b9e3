import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted } from './once.ts'

const fileOf = (n: number) => `${HEADER}\n${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s${n}\n`

/** Of the long run; see `npm run test:faults`. */
const STORMS = Number(process.env.TEST_STORMS ?? 1)

test.each(Array.from({ length: STORMS }, (_, storm) => storm + 1))(
  '37: 20,000 files renamed into the folder within seconds are all ingested, none is missed (storm %i)',
  {
    timeout: 180_000,
  },
  async () => {
    const FILES = 20_000
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    for (let n = 0; n < FILES; n++) writeFileSync(join(folders.temp, `storm-${n}.csv`), fileOf(n))
    const ingestor = startIngestor(database, folders, {
      LOG_LEVEL: 'info',
      INGEST_SWEEP_SECONDS: '5',
    })
    await ingestor.waitForLog('ready')
    const startedAt = performance.now()
    for (let n = 0; n < FILES; n++)
      renameSync(join(folders.temp, `storm-${n}.csv`), join(folders.input, `storm-${n}.csv`))
    const renamedAt = performance.now()
    await until('the folder to be empty', () => readdirSync(folders.input).length === 0, 160_000)
    const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)
    console.log(
      `renamed in ${((renamedAt - startedAt) / 1000).toFixed(1)} s, all away ${seconds(renamedAt)} s later`,
    )
    await until(
      'the last mark',
      async () =>
        (await database.value('select count(*) from ingest_files where archived_at is null')) === 0,
    )
    expect(
      await database.query(
        'select count(*) as files, sum(rows_loaded)::int as loaded from ingest_files',
      ),
    ).toEqual([{ files: FILES, loaded: FILES }])
    expect(await database.value('select count(*) from user_activity')).toBe(FILES)
    expect(await accounted(database)).toEqual([])
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    await database.drop()
  },
)

test('38: files there before the start and files that come during it are ingested alike', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  mkdirSync(folders.temp, { recursive: true })
  let n = 0
  const drop = () => {
    const name = `start-${n}.csv`
    writeFileSync(join(folders.temp, name), fileOf(n++))
    renameSync(join(folders.temp, name), join(folders.input, name))
  }
  while (n < 100) drop()
  const ingestor = startIngestor(database, folders, { INGEST_SWEEP_SECONDS: '60' })
  await until('ready', () => {
    drop()
    return ingestor.log.find(line => line.msg === 'ready')
  })
  for (let more = 0; more < 20; more++) drop()
  // A file's rows are there before its end is known to be its end.
  await until(
    'all files',
    async () =>
      (await database.value(`select count(*) from ingest_files where status = 'done'`)) === n,
    15_000,
  )
  expect(await database.value('select count(*) from user_activity')).toBe(n)
  expect(await accounted(database)).toEqual([])
})
