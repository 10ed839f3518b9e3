import { readdir } from 'node:fs/promises'
import { beforeEach, expect, test, vi } from 'vitest'
import { idOf } from '../ingestor/lines.ts'
import { ingestOnce } from '../ingestor/once.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { command } from './command.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'
const row = (n: number) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s`
const CONTENT = `${[HEADER, row(1), row(2), row(3)].join('\n')}\n`

let database: TestDatabase
let folders: Folders
beforeEach(async () => {
  database = await freshDatabase()
  folders = await freshFolders()
})
const generations = () =>
  database.query(
    'select file_name, generation, status, rows_loaded, rows_duplicate, archived_as from ingest_files order by file_id',
  )

test.each(['psql', 'the command line'])(
  'replay, said by %s: an archived file is a new generation, and what is missing loads',
  async how => {
    await folders.drop('a.csv', CONTENT)
    await ingestOnce(database, folders)
    await database.query('delete from user_activity where event_id = $1', [idOf(2)])
    const ingestor = startIngestor(database, folders)
    await ingestor.waitForLog('ready')
    if (how === 'psql') await database.query(`select ingest_replay('a.csv')`)
    else {
      const { code, stdout } = await command(['replay', 'a.csv'], database, folders)
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'a.csv: dropped again\n' })
    }
    await until('the second generation in the archive', async () => {
      return (
        (await database.value(
          'select count(*) from ingest_files where archived_at is not null',
        )) === 2
      )
    })
    expect(await generations()).toEqual([
      {
        file_name: 'a.csv',
        generation: 1,
        status: 'done',
        rows_loaded: 3,
        rows_duplicate: 0,
        archived_as: 'a.csv',
      },
      {
        file_name: 'a.csv',
        generation: 2,
        status: 'done',
        rows_loaded: 1,
        rows_duplicate: 2,
        archived_as: 'a.2.csv',
      },
    ])
    expect(await database.value('select count(*) from user_activity')).toBe(3)
    expect((await readdir(folders.archive)).sort()).toEqual(['a.2.csv', 'a.csv'])
    expect(
      await database.query(
        'select command, outcome, handled_at is not null as handled from ingest_commands',
      ),
    ).toEqual([{ command: 'replay', outcome: 'dropped again', handled: true }])
  },
)

test('replay with no ingestor puts the file where the next one finds it; of an unknown file it is an error', async () => {
  await folders.drop('a.csv', CONTENT)
  await ingestOnce(database, folders)
  expect(await command(['replay', 'a.csv'], database, folders)).toMatchObject({ code: 0 })
  expect(await readdir(folders.input)).toEqual(['a.csv'])
  const unknown = await command(['replay', 'b.csv'], database, folders)
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toBe(
    `error: expected a file that is done and in the archive, found none named 'b.csv'\n`,
  )
})

test('skip: a file that waits is given up, moves to refused, and says who did it', async () => {
  await database.query(`select ingest_pause('first a look')`)
  const ingestor = startIngestor(database, folders)
  await ingestor.waitForLog('ready')
  await folders.drop('a.csv', CONTENT)
  await folders.drop('b.csv', CONTENT)
  await until('both found', async () => (await generations()).length === 2)
  await database.query(`select ingest_skip('a.csv'); select ingest_resume()`)
  await until(
    'both gone from the folder',
    async () => (await readdir(folders.input)).length === 0,
    20_000,
  )
  expect(await readdir(folders.refused)).toEqual(['a.csv'])
  expect(await readdir(folders.archive)).toEqual(['b.csv'])
  expect(await database.value(`select message from ingest_files where reason = 'skipped'`)).toMatch(
    /^skipped by tester \(test from 127\.0\.0\.1\); 0 of \d+ bytes were loaded$/,
  )
  expect(await database.query('select * from ingest_discrepancies')).toEqual([])
})

test('paused: run --once says by whom and why instead of waiting, and a pause wants a reason', async () => {
  await database.query(`select ingest_pause('month end')`)
  await folders.drop('a.csv', CONTENT)
  const { code, stderr } = await ingestOnce(database, folders)
  expect(stderr).toMatch(
    /^error: paused by tester .*: "month end"; select ingest_resume\(\) ends it\n$/,
  )
  expect(code).toBe(2)
  await expect(database.query(`select ingest_pause(' ')`)).rejects.toThrow('expected a reason')
})

test('a reason is shown to whoever asks, and does nothing to their terminal', async () => {
  await database.query(`select ingest_pause(E'\\x1b[2J\\x1b]0;owned\\x07 \\u202e why')`)
  const status = await command(['status'], database, folders)
  expect(status.stdout).toContain(String.raw`"\u001b[2J\u001b]0;owned\u0007 \u202e why"`)
  const once = await ingestOnce(database, folders)
  expect(once.stderr).toContain(String.raw`"\u001b[2J`)
  for (const said of [status.stdout, once.stderr]) expect(said).not.toMatch(/[\x1b\x07\u202e]/)
})

test('a resume that nobody heard of is obeyed within two seconds all the same', async () => {
  await database.query(`select ingest_pause('quiet')`)
  await folders.drop('a.csv', CONTENT)
  // No event and no sweep that would wake anyone: the net alone is left.
  const quiet = { INGEST_WATCH: 'polling', INGEST_SWEEP_SECONDS: '60', INGEST_LEASE_SECONDS: '60' }
  startIngestor(database, folders, quiet)
  await until('the lanes to have found nothing to do, and to wait', () =>
    database.value(
      `select count(*) > 0 from pg_stat_activity, ingest_files
        where datname = current_database() and application_name like 'ingestor %'
          and query like '%min(case status%' and state = 'idle' and query_start > discovered_at`,
    ),
  )
  // As if the notification were lost: the row goes without one.
  const asked = await database.value<string>(
    'delete from ingest_paused returning clock_timestamp()',
  )
  await until('the file started', async () => (await generations())[0]!.status !== 'pending')
  expect(
    await database.value(
      `select started_at - $1::timestamptz < interval '2.5 s' from ingest_files`,
      [asked],
    ),
  ).toBe(true)
})

test('every view of the schema has a comment and answers', async () => {
  await folders.drop('a.csv', `${CONTENT}${row(4).replace('view', 'purchase')}\nbad\n`)
  await ingestOnce(database, folders)
  const views = await database.query<{ name: string; comment: string }>(
    `select c.relname as name, obj_description(c.oid) as comment from pg_class c
      where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace order by 1`,
  )
  expect(views.filter(({ comment }) => !comment)).toEqual([])
  for (const { name } of views) {
    const rows = await database.query(`select * from ${name}`)
    if (name !== 'ingest_discrepancies') expect(rows.length, name).toBeGreaterThan(0)
  }
  expect(await database.query('select step, sessions from activity_session_funnel')).toEqual([
    { step: 'any event', sessions: 1 },
    { step: 'viewed a product', sessions: 1 },
    { step: 'bought after a view', sessions: 1 },
    { step: 'bought more than once', sessions: 0 },
  ])
  expect(
    await database.query('select viewers, viewers_who_bought, conversion from activity_conversion'),
  ).toEqual([{ viewers: 1, viewers_who_bought: 1, conversion: '1.0000' }])
  expect(
    await database.query('select rank, product_id, revenue from activity_top_products'),
  ).toEqual([{ rank: 1, product_id: 1, revenue: '9.99' }])
})
