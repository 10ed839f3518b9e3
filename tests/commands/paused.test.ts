import { expect, test, vi } from 'vitest'
import { idOf } from '../ingestor/lines.ts'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { command } from './command.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'
const fileOf = (from: number, rows = 3) =>
  [HEADER, ...Array.from({ length: rows }, (_, n) => rowOf(from + n)), ''].join('\n')
const rowOf = (n: number) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s`

const states = (database: TestDatabase) =>
  database.query('select status, count(*)::int from ingest_files group by 1 order by 1')

/** Waits until each ingestor has asked for work two more times: its claims are seen in its sessions. */
async function askedTwice(database: TestDatabase, ingestors: number): Promise<void> {
  for (let times = 0; times < 2; times++) {
    const since = await database.value<string>('select clock_timestamp()')
    await until('a claim of each ingestor', async () => {
      const asking = await database.value<number>(
        `select count(distinct application_name) from pg_stat_activity
          where datname = current_database() and application_name like 'ingestor %'
            and query like '%ingest_paused%' and query_start > $1::timestamptz`,
        [since],
      )
      return asking === ingestors
    })
  }
}

// A sweep that began after the last file was dropped has seen all of them: `discovered` says so.
const discovered = (database: TestDatabase, files: number) =>
  until('the discovery of all files', async () => {
    return (await database.value<number>('select count(*) from ingest_files')) === files
  })

test.each([1, 3])(
  'paused, 100 files dropped: nothing moves with %s ingestor(s), status says who and why; resumed, all load',
  async count => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const ingestors = Array.from({ length: count }, () => startIngestor(database, folders))
    for (const ingestor of ingestors) await ingestor.waitForLog('ready')
    await folders.drop('before.csv', fileOf(900_000))
    await until('a first file', async () => {
      return (await database.value("select count(*) from ingest_files where status = 'done'")) === 1
    })

    await database.query(
      "set application_name = 'the night shift'; select ingest_pause('moving the disk')",
    )
    for (let file = 0; file < 100; file++) await folders.drop(`f${file}.csv`, fileOf(file * 10))
    await discovered(database, 101)
    const epochs = await database.value('select sum(epoch)::int from ingest_files')
    await askedTwice(database, count)
    expect(await database.value('select sum(epoch)::int from ingest_files')).toBe(epochs)
    expect(await states(database)).toEqual([
      { status: 'done', count: 1 },
      { status: 'pending', count: 100 },
    ])

    const { stdout } = await command(['status'], database, folders)
    expect(stdout).toMatch(/paused by .*the night shift.*: "moving the disk"; 100 files waiting/s)
    const { json } = await command(['status', '--json'], database, folders)
    expect(json).toMatchObject({ paused: { because: 'moving the disk' }, files: { pending: 100 } })

    await database.query('select ingest_resume()')
    await until('all of them', async () => {
      return (
        (await database.value("select count(*) from ingest_files where status = 'done'")) === 101
      )
    })
    expect(await database.value('select count(*) from user_activity')).toBe(303)
    expect(await database.query('select * from ingest_discrepancies')).toEqual([])
    expect(
      await database.query('select command, reason, issued_by from ingest_commands order by 1'),
    ).toEqual([
      {
        command: 'pause',
        reason: 'moving the disk',
        issued_by: expect.stringContaining('night shift'),
      },
      { command: 'resume', reason: 'moving the disk', issued_by: expect.any(String) },
    ])
    for (const ingestor of ingestors) expect(await ingestor.stop()).toMatchObject({ code: 0 })
  },
  180_000,
)
