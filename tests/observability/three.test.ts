import { beforeAll, describe, expect, test, vi } from 'vitest'
import { command } from '../commands/command.ts'
import { idOf } from '../ingestor/lines.ts'
import { type RunningDashboard, startDashboard } from '../support/dashboard.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import type { RunningService } from '../support/process.ts'
import { until } from '../support/until.ts'
import { boardQueries } from './board.ts'
import { installed, type Prometheus, startPrometheus } from './prometheus.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const OBEYED_WITHIN_S = 2
const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'
const LATE_FILES = 100
const rowOf = (n: number) => `${idOf(5_000_000 + n)},2026-01-02 07:15:22,view,1,9.99,2,s`

const there = installed('prometheus')
if (!there) console.log('skipped: prometheus is not installed (Debian: apt-get install prometheus)')

describe.skipIf(!there)('three ingestors, seen from everywhere', () => {
  let database: TestDatabase
  let folders: Folders
  let ingestors: RunningService[]
  let dashboard: RunningDashboard
  let prometheus: Prometheus

  const loadedIn = () => database.value<number>('select count(*) from user_activity')
  const owners = () =>
    database.query<{ owner: string; rows: number }>(
      `select owner, sum(rows_loaded)::int as rows from ingest_activity group by 1 having sum(rows_loaded) > 0`,
    )

  beforeAll(async () => {
    database = await freshDatabase()
    folders = await freshFolders()
    ingestors = [1, 2, 3].map(() =>
      startIngestor(database, folders, { INGEST_BATCH_ROWS: '200', INGEST_CONNECTIONS: '1' }),
    )
    const started = await Promise.all(ingestors.map(each => each.waitForLog('starting')))
    await Promise.all(ingestors.map(each => each.waitForLog('ready')))
    prometheus = await startPrometheus(
      folders.root,
      started.map(({ metricsPort }) => Number(metricsPort)),
    )
    dashboard = await startDashboard(database)
    await until('three scraped', async () => {
      return (await prometheus.query('sum(up{job="ingestor"})')) === 3
    })
    // Each takes what it finds: waves of files, until each has found some.
    for (let wave = 0; (await owners()).length < 3; wave++) {
      expect(wave).toBeLessThan(20)
      const files = makeFiles(12, { seed: 1_000 + wave * 100, rows: 400, badPercent: 5 })
      const named = files.map(file => ({ ...file, name: `wave_${wave}_${file.name}` }))
      await publish(named, folders)
      await drained(database, named)
      // What was done in a second is told in the next.
      await until('word of all of it', async () => {
        const told = (await owners()).reduce((sum, { rows }) => sum + rows, 0)
        return told === (await loadedIn())
      })
    }
  })

  test('Prometheus: the three together are what the table holds, and what waits is said by each alike', async () => {
    const loaded = await loadedIn()
    await until('the rows, scraped', async () => {
      return (await prometheus.query('sum(ingest_rows_total{outcome="loaded"})')) === loaded
    })
    const each = await prometheus.series('ingest_rows_total{outcome="loaded"} > 0')
    expect(each).toHaveLength(3)
    // Each is looked at in its turn.
    await until('that nothing waits, by each', async () => {
      return (await prometheus.series('ingest_pending_files == 0')).length === 3
    })
  })

  test('the page and `status` name all three, and the page’s numbers are the table’s', async () => {
    const loaded = await loadedIn()
    const { seen } = await dashboard.until('all of it', ({ seen }) => {
      return seen?.totals.rowsLoaded === loaded && seen.ingestors.length === 3
    })
    expect(seen!.ingestors.map(({ state }) => state)).toEqual(['working', 'working', 'working'])
    const { json } = await command(['status', '--json'], database, folders)
    const names = (list: { owner: string }[]) => list.map(({ owner }) => owner).sort()
    expect(names((json as { ingestors: { owner: string }[] }).ingestors)).toEqual(
      names(seen!.ingestors),
    )
  })

  test('a pause holds for all, is shown everywhere with its reason, and is ended for all within two seconds', async () => {
    const before = await loadedIn()
    await database.query(`select ingest_pause('the disk is moved')`)
    for (let file = 0; file < LATE_FILES; file++)
      await folders.drop(`late_${file}.csv`, `${HEADER}\n${rowOf(file)}\n`)
    const { verdict } = await dashboard.until('all of them waiting', ({ seen }) => {
      return seen?.totals.filesWaiting === LATE_FILES
    })
    expect(verdict).toMatchObject({ mood: 'busy', head: 'Paused' })
    expect(verdict.details).toMatch(/^"the disk is moved" says tester \(test from /)
    await until('the same of each', async () => {
      const [paused, waiting] = await Promise.all(
        ['ingest_paused == 1', `ingest_pending_files == ${LATE_FILES}`].map(prometheus.series),
      )
      return paused!.length === 3 && waiting!.length === 3
    })
    const { json } = await command(['status', '--json'], database, folders)
    expect(json).toMatchObject({
      paused: { because: 'the disk is moved', by: expect.stringContaining('tester') },
      filesWaiting: LATE_FILES,
    })
    expect(await loadedIn()).toBe(before)

    const resumedAt = await database.value<string>(
      'with done as materialized (select ingest_resume()) select clock_timestamp() from done',
    )
    await until('all loaded', async () => (await loadedIn()) === before + LATE_FILES)
    const firstAfterS = await database.value<number>(
      `select extract(epoch from min(started_at) - $1::timestamptz)::float8
         from ingest_files where file_name like 'late%'`,
      [resumedAt],
    )
    expect(firstAfterS).toBeGreaterThan(0)
    expect(firstAfterS).toBeLessThan(OBEYED_WITHIN_S)
    expect(await database.query('select * from ingest_discrepancies')).toEqual([])
  })

  test('every question of the board has an answer', async () => {
    // Something of everything: a backlog that waits, and a claim that was tried again.
    await database.query(`select ingest_pause('a look at the board')`)
    await folders.drop('waits.csv', `${HEADER}\n${rowOf(LATE_FILES)}\n`)
    await database.query('alter table ingest_paused rename to elsewhere')
    await until('a retry', () => prometheus.query('sum(ingest_retries_total) > 0'))
    await database.query('alter table elsewhere rename to ingest_paused')
    await until('the file that waits', () => prometheus.query('max(ingest_pending_files) == 1'))
    const queries = await boardQueries('1m')
    expect(queries.length).toBeGreaterThan(18)
    for (const { where, expr } of queries)
      expect((await prometheus.series(expr)).length, `${where}: ${expr}`).toBeGreaterThan(0)
    await database.query('select ingest_resume()')
    for (const ingestor of ingestors)
      expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  })
})
