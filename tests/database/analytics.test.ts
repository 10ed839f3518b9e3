import { beforeAll, expect, test } from 'vitest'
import { idOf } from '../ingestor/lines.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'

// Small enough to be added up in one's head.
const EVENTS = [
  '10:00:05 purchase 1 20.00 2 s2', // bought first, viewed later: no conversion
  '10:00:10 view     1  9.99 1 s1',
  '10:00:20 view     2  5.50 1 s1',
  '10:00:30 view     1 20.00 2 s2',
  '10:01:00 purchase 1  9.99 1 s1',
  '10:01:59 purchase 2  5.50 3 s3', // never viewed
  '10:02:00 view     2  5.50 4 s4',
  '10:02:30 purchase 1  9.99 1 s1', // the same again
  '10:02:45 purchase 3  0.01 5 s4', // another user under the same name of a session
]

let database: TestDatabase
beforeAll(async () => {
  database = await freshDatabase()
  await database.query(
    `insert into ingest_files (file_name, size_bytes, byte_offset, mtime_ns, inode, status, line_no, rows_read,
                               rows_loaded, rows_duplicate, rows_rejected, discovered_at, started_at, finished_at)
     select f.name, 1000, 1000, 0, 0, 'done', f.read + 1, f.read, f.loaded, f.duplicate, f.read - f.loaded - f.duplicate,
            f.at - f.took - f.wait, f.at - f.took, f.at
       from (values ('a.csv', 12, 9, 1, date_trunc('minute', now()) - interval '2 h' + interval '10 s', interval '1 s', interval '1 s'),
                    ('b.csv', 590, 590, 0, date_trunc('minute', now()) - interval '2 h' + interval '40 s', interval '4 s', interval '2 s'),
                    ('c.csv', 3, 0, 3, now() - interval '2 min', interval '7 s', interval '3 s'))
         as f (name, read, loaded, duplicate, at, took, wait)`,
  )
  for (const [index, line] of EVENTS.entries()) {
    const [time, type, product, price, user, session] = line.split(/\s+/)
    await database.query(
      `insert into user_activity (event_id, event_time, event_type, product_id, price, user_id, session_id, file_id, line_no)
       values ($1, $2, $3, $4, $5, $6, $7, 1, $8)`,
      [idOf(index), `2026-01-02 ${time}Z`, type, product, price, user, session, index + 2],
    )
  }
  await database.query(
    `insert into user_activity_errors (file_id, line_no, byte_offset, reason, column_name, error_message, raw_line, resolved_at)
     values (1, 11, 500, 'bad_uuid', 'event_id', 'first', '', null),
            (1, 12, 600, 'bad_uuid', 'event_id', 'second', '', null),
            (2, 13, 700, 'column_count', null, 'third', '', now())`,
  )
})

test('events per minute by type, with the revenue of purchases', async () => {
  expect(
    await database.query(
      `select to_char(minute at time zone 'UTC', 'HH24:MI') as minute, event_type, events, revenue from activity_per_minute`,
    ),
  ).toEqual([
    { minute: '10:02', event_type: 'purchase', events: 2, revenue: '10.00' },
    { minute: '10:02', event_type: 'view', events: 1, revenue: null },
    { minute: '10:01', event_type: 'purchase', events: 2, revenue: '15.49' },
    { minute: '10:00', event_type: 'purchase', events: 1, revenue: '20.00' },
    { minute: '10:00', event_type: 'view', events: 3, revenue: null },
  ])
})

test('conversion: who viewed a product and bought it then or later', async () => {
  const row = (...[product_id, viewers, viewers_who_bought, without, conversion]: unknown[]) => ({
    ...{ product_id, viewers, viewers_who_bought, buyers_without_a_view: without, conversion },
  })
  expect(await database.query('select * from activity_conversion')).toEqual([
    row(1, 2, 1, 0, '0.5000'),
    row(2, 2, 0, 1, '0.0000'),
    row(3, 0, 0, 1, null),
  ])
})

test('top products by revenue', async () => {
  const row = (...[rank, product_id, revenue, purchases, buyers, average_price]: unknown[]) => ({
    ...{ rank, product_id, revenue, purchases, buyers, average_price },
  })
  expect(await database.query('select * from activity_top_products')).toEqual([
    row(1, 1, '39.98', 3, 2, '13.33'),
    row(2, 2, '5.50', 1, 1, '5.50'),
    row(3, 3, '0.01', 1, 1, '0.01'),
  ])
})

test('the session funnel: each step lies within the one before', async () => {
  expect(
    await database.query('select step, sessions, share_of_all from activity_session_funnel'),
  ).toEqual([
    { step: 'any event', sessions: 5, share_of_all: '1.0000' },
    { step: 'viewed a product', sessions: 3, share_of_all: '0.6000' },
    { step: 'bought after a view', sessions: 1, share_of_all: '0.2000' },
    { step: 'bought more than once', sessions: 1, share_of_all: '0.2000' },
  ])
})

test('recent activity, the newest first, and where each came from', async () => {
  const [newest, ...others] = await database.query(
    'select event_type, product_id, price, user_id, session_id, file_name, line_no from activity_recent',
  )
  expect(newest).toEqual({
    ...{ event_type: 'purchase', product_id: 3, price: '0.01', user_id: 5, session_id: 's4' },
    ...{ file_name: 'a.csv', line_no: 10 },
  })
  expect(others).toHaveLength(EVENTS.length - 1)
})

test('throughput by the minute in which files were finished', async () => {
  expect(
    await database.query(
      `select files, rows_read, rows_loaded, rows_duplicate, rows_rejected, bytes, rows_per_second
         from ingest_throughput where minute < now() - interval '1 hour'`,
    ),
  ).toEqual([
    {
      ...{ files: 2, rows_read: 602, rows_loaded: 599, rows_duplicate: 1, rows_rejected: 2 },
      ...{ bytes: 2000, rows_per_second: '10.0' },
    },
  ])
})

test('latency from found to finished, over spans that contain each other', async () => {
  expect(
    await database.query(
      `select "window"::text, files, p50_wait_seconds, p50_seconds, p95_seconds, max_seconds from ingest_latency`,
    ),
  ).toEqual(
    [
      ['00:01:00', 0, null, null, null, null],
      ['00:15:00', 1, 3, 10, 10, 10],
      ['01:00:00', 1, 3, 10, 10, 10],
      // Files that took 2, 6 and 10 seconds.
      ['1 day', 3, 2, 6, 9.6, 10],
    ].map(([window, files, wait, p50, p95, max]) => ({
      window,
      ...{ files, p50_wait_seconds: wait, p50_seconds: p50, p95_seconds: p95, max_seconds: max },
    })),
  )
})

test('rejects by reason and column: open, resolved, and the newest of each', async () => {
  expect(
    await database.query(
      'select reason, column_name, open, resolved, files, newest from ingest_rejects_by_reason',
    ),
  ).toEqual([
    {
      ...{ reason: 'bad_uuid', column_name: 'event_id', open: 2, resolved: 0, files: 1 },
      newest: 'a.csv line 12: second',
    },
    {
      ...{ reason: 'column_count', column_name: null, open: 0, resolved: 1, files: 1 },
      newest: 'b.csv line 13: third',
    },
  ])
})

test('every view, table and function of ours says what it is', async () => {
  const named = await database.query<{ name: string; comment: string | null }>(
    `select relname as name, obj_description(oid, 'pg_class') as comment from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and relname <> 'schema_migrations'
     union all
     select proname, obj_description(oid, 'pg_proc') from pg_proc where pronamespace = 'public'::regnamespace`,
  )
  expect(named.length).toBeGreaterThan(18)
  expect(named.filter(({ comment }) => !comment).map(({ name }) => name)).toEqual([])
})
