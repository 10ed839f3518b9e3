import { expect, test } from 'vitest'
import { recentFiles } from '../../services/dashboard/recent.ts'
import { groupRejects } from '../../services/dashboard/rejects.ts'
import { RunningTotals } from '../../services/dashboard/totals.ts'
import { connection } from '../../services/runtime/connection.ts'
import { createPool } from '../../services/runtime/database.ts'
import { createLogger } from '../../services/runtime/logger.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'

const HOUR = 3_600_000

test('sums that are carried on come to what a look at every file comes to', async () => {
  const database = await freshDatabase()
  const client = await clientOf(database)
  const totals = new RunningTotals()
  await addFiles(database, 50, 'done', '2 hours')
  await addFiles(database, 9, 'refused', '90 seconds')
  for (const [nowMs, change] of [
    [Date.now(), () => addFiles(database, 20, 'done', '1 second')],
    [Date.now() + 30_000, () => addFiles(database, 30, 'pending', null)],
    [
      Date.now() + 59_000,
      () =>
        database.query(
          `update ingest_files set status = 'parked', finished_at = now() where file_id % 7 = 0 and status = 'pending'`,
        ),
    ],
    [Date.now() + HOUR, () => addFiles(database, 5, 'done', '0 seconds')],
  ] as const) {
    await change()
    const [sums, [all]] = [
      await totals.read(client, nowMs),
      await database.query(`
        select sum(rows_loaded)::int as loaded, sum(rows_rejected)::int as rejected,
               sum(line_no - lines_blank - (line_no > 0)::int)::int as read, count(*)::int as files,
               count(*) filter (where status = 'parked')::int as parked,
               sum(size_bytes - byte_offset) filter (where status = 'pending')::int as waiting
          from ingest_files`),
    ]
    expect({
      loaded: sums.rowsLoaded,
      rejected: sums.rowsRejected,
      read: sums.rowsRead,
      files: sums.filesFound,
      parked: sums.filesParked,
      waiting: sums.bytesWaiting || null,
    }).toEqual(all)
  }
})

test('no look goes through all files each second: what is asked for has an index', async () => {
  const database = await freshDatabase()
  await addFiles(database, 5_000, 'done', '1 hour')
  await database.query('vacuum analyze ingest_files')
  const client = await clientOf(database)
  const totals = new RunningTotals()
  await totals.read(client, Date.now())
  await client.query('set enable_seqscan = on')
  const read = async () =>
    database.value<number>(`select pg_stat_get_tuples_returned('ingest_files'::regclass)::int`)
  await client.query('select pg_stat_force_next_flush()')
  const before = await read()
  for (let round = 0; round < 5; round++) {
    await totals.read(client, Date.now())
    await recentFiles(client)
  }
  await client.query('select pg_stat_force_next_flush()')
  expect((await read()) - before).toBeLessThan(500)
})

test('rejects are grouped by reason and column, the newest as samples, their bytes made harmless', async () => {
  const database = await freshDatabase()
  await database.query(`
    insert into user_activity_errors (file_id, line_no, byte_offset, reason, column_name, error_message, raw_line, resolved_at)
    select 1, n + 1, n, case when n % 3 = 0 then 'bad_uuid' else 'too_long' end,
           case when n % 3 = 0 then 'event_id' else 'session_id' end, 'message ' || n,
           case when n = 30 then '\\x3c623e1b5b316de280ae'::bytea else 'line'::bytea end,
           case when n = 1 then now() end
      from generate_series(1, 30) n`)
  const { groups, counted, all } = await groupRejects(await clientOf(database))
  expect(groups.map(({ reason, column, rows }) => ({ reason, column, rows }))).toEqual([
    { reason: 'too_long', column: 'session_id', rows: 19 },
    { reason: 'bad_uuid', column: 'event_id', rows: 10 },
  ])
  expect({ counted, all }).toEqual({ counted: 29, all: true })
  const [newest] = groups[1]!.samples
  expect(newest).toMatchObject({ file: 'file 1', lineNo: 31, message: 'message 30' })
  expect(newest!.line).toBe('"<b>\\u001b[1m\\u202e"')
})

async function clientOf(database: TestDatabase) {
  const pool = createPool(
    connection(database.env),
    { applicationName: 'test', maxConnections: 1 },
    createLogger('test', 'silent'),
  )
  const client = await pool.connect()
  atTestEnd(async () => {
    client.release()
    await pool.end()
  })
  return client
}

let made = 0

function addFiles(database: TestDatabase, count: number, status: string, endedAgo: string | null) {
  const from = made
  made += count
  return database.query(
    `insert into ingest_files (file_name, size_bytes, byte_offset, mtime_ns, inode, line_no, lines_blank,
                               rows_read, rows_loaded, rows_rejected, status, reason, finished_at)
     select 'f' || n, case when $3 = 'pending' then 900 else 100 end, 100, 0, 0, n % 9 + 3, 1, n % 9 + 1, n % 9, 1, $3,
            case when $3 = 'refused' then 'changed' end, now() - $4::interval
       from generate_series($1::int, $1 + $2 - 1) n`,
    [from, count, status, endedAgo],
  )
}
