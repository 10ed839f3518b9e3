import { expect, test } from 'vitest'
import { Chance } from '../support/chance.ts'
import { breaches, countersOff } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { type Hands, hands } from '../support/in-process.ts'
import {
  anEvent,
  fileOf,
  type MadeFile,
  makeFile,
  makeFiles,
  publish,
} from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

test('a batch brings its rows, its rejects and its offsets, all at once', async () => {
  const { database, folders, files } = await prepared(makeFiles(3, { seed: 7, rows: 100 }))
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  const [batch] = ingestor.batches(await ingestor.claim())
  await ingestor.commit(batch!)
  expect(await breaches({ database, files })).toEqual([])
})

test('a batch from a stale offset stores nothing', async () => {
  const { database, folders } = await prepared([makeFile({ name: 'a.csv', seed: 1, rows: 50 })])
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  const [first, ...others] = ingestor.batches(await ingestor.claim(), 20)
  await ingestor.commit(first!)
  const before = await standing(database)
  await expect(ingestor.commit(first!)).rejects.toMatchObject({ code: 'FENCED' })
  // One that skips what comes before it is as stale as one that repeats it.
  await expect(ingestor.commit(others[1]!)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await standing(database)).toEqual(before)
})

test('a batch of a former owner stores nothing, and the new owner loads all', async () => {
  const { database, folders, files } = await prepared(makeFiles(2, { seed: 2, rows: 50 }))
  const [former, later] = [hands(database, folders), hands(database, folders)]
  await former.sweep()
  const [stale] = former.batches(await former.claim())
  await expireLeases(database)
  // What got nowhere with its last owner is claimed alone.
  const claims = [...(await later.claim()), ...(await later.claim())]
  await expect(former.commit(stale!)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await standing(database)).toMatchObject({ rows: 0, rejects: 0, offsets: 0 })
  for (const batch of later.batches(claims)) await later.commit(batch)
  await expect(former.commit(stale!)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await breaches({ database, files })).toEqual([])
})

test('one file with another owner keeps the whole batch out', async () => {
  const { database, folders } = await prepared(makeFiles(3, { seed: 3, rows: 20 }))
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  const [batch] = ingestor.batches(await ingestor.claim())
  await database.query(
    `update ingest_files set epoch = epoch + 1 where file_name = 'made_0001.csv'`,
  )
  const [{ file_id }] = (await database.query(
    `select file_id from ingest_files where file_name = 'made_0001.csv'`,
  )) as [{ file_id: number }]
  await expect(ingestor.commit(batch!)).rejects.toMatchObject({ fileIds: [file_id] })
  expect(await standing(database)).toMatchObject({ rows: 0, rejects: 0, offsets: 0 })
})

test('an epoch that changes while the rows are copied is found by the compare-and-set', async () => {
  const { database, folders } = await prepared([makeFile({ name: 'a.csv', seed: 4, rows: 20 })])
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  const [batch] = ingestor.batches(await ingestor.claim())
  // Slips between the look at the claims and the compare-and-set: no key share lock stops it.
  await database.query(
    `create function steal() returns trigger language plpgsql as $$ begin
       update ingest_files set epoch = epoch + 1; return null; end $$;
     create trigger steal after insert on user_activity for each statement execute function steal()`,
  )
  await expect(ingestor.commit(batch!)).rejects.toMatchObject({ code: 'FENCED' })
  expect(await standing(database)).toMatchObject({ rows: 0, rejects: 0, offsets: 0 })
})

test('a COMMIT that the server answers with ROLLBACK is noticed, and the batch stored again', async () => {
  const { database, folders, files } = await prepared([
    makeFile({ name: 'a.csv', seed: 5, rows: 50 }),
  ])
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  const [batch] = ingestor.batches(await ingestor.claim())
  failBeforeCommit(ingestor, 1)
  const { attempts } = await ingestor.commit(batch!)
  expect(attempts).toBe(2)
  expect(ingestor.log.map(({ code }) => code)).toContain('25P02')
  expect(await breaches({ database, files })).toEqual([])
})

test('overlapping transactions of one file commit in order', async () => {
  const { database, folders, files } = await prepared([
    makeFile({ name: 'a.csv', seed: 6, rows: 400 }),
  ])
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  const batches = ingestor.batches(await ingestor.claim(), 100)
  const order: number[] = []
  let before: ReturnType<Hands['begin']> | undefined
  const turns = batches.map((batch, index) => {
    const turn = ingestor.begin(batch, before)
    before = turn
    return turn.committed.then(() => order.push(index))
  })
  await Promise.all(turns)
  expect(order).toEqual(batches.map((_, index) => index))
  expect(await breaches({ database, files })).toEqual([])
})

test.each([['after-begin'], ['after-copy'], ['after-compare-and-set']] as const)(
  'when a transaction fails %s, the overlapping one stands back until it is stored',
  async point => {
    const { database, folders, files } = await prepared([
      makeFile({ name: 'a.csv', seed: 8, rows: 300 }),
    ])
    let failures = 1
    const ingestor = hands(database, folders, {
      failpoint: passed => {
        if (passed === point && failures-- > 0)
          throw Object.assign(new Error('as if the world broke'), { code: '40001' })
      },
    })
    await ingestor.sweep()
    const [one, two, three] = ingestor.batches(await ingestor.claim(), 100)
    const first = ingestor.begin(one!)
    const second = ingestor.begin(two!, first)
    const third = ingestor.begin(three!, second)
    const stored = await Promise.all([first, second, third].map(turn => turn.committed))
    expect(stored.map(each => (each as { attempts: number }).attempts > 1)).toContain(true)
    expect(await breaches({ database, files })).toEqual([])
  },
)

test('the deadlock between two transactions of one file that only the client can see ends', async () => {
  const chance = new Chance(9)
  const [held, shared] = [anEvent(chance), anEvent(chance)]
  const file = fileOf('a.csv', [{ event: held }, { event: shared }, { event: shared }])
  const { database, folders, files } = await prepared([file])
  const ingestor = hands(database, folders, { lockTimeoutMs: 1_000 })
  await ingestor.sweep()
  const [one, two] = ingestor.batches(await ingestor.claim(), 2)

  // The first is held up until the second has inserted the key that both bring.
  const holder = await database.pool.connect()
  atTestEnd(() => holder.release(true))
  await holder.query('begin')
  await holder.query('insert into user_activity values ($1, $2, $3, $4, $5, $6, $7, 0, 0)', held)
  const first = ingestor.begin(one!)
  await until('the first to wait', () => waiting(database, 'Lock'))
  const second = ingestor.begin(two!, first)
  await until('the second to wait for the first', () => waiting(database, 'Client'))
  await holder.query('rollback')

  const stored = await Promise.all([first.committed, second.committed])
  expect(stored.map(each => (each as { attempts: number }).attempts)).toEqual([2, 3])
  expect(ingestor.log.map(({ code }) => code)).toContain('55P03')
  expect(await breaches({ database, files })).toEqual([])
  expect(await database.value('select max(line_no) from user_activity')).toBe(3)
})

// Found by the soak, seed 11: the batch between had not tried anything yet, so it could not stumble.
test('that deadlock ends as well where a batch stands between the two', async () => {
  const chance = new Chance(11)
  const [held, shared] = [anEvent(chance), anEvent(chance)]
  const events = [held, shared, anEvent(chance), anEvent(chance), shared]
  const file = fileOf(
    'a.csv',
    events.map(event => ({ event })),
  )
  const { database, folders, files } = await prepared([file])
  const ingestor = hands(database, folders, { lockTimeoutMs: 1_000 })
  await ingestor.sweep()
  const [one, two, three] = ingestor.batches(await ingestor.claim(), 2)
  const holder = await database.pool.connect()
  atTestEnd(() => holder.release(true))
  await holder.query('begin')
  await holder.query('insert into user_activity values ($1, $2, $3, $4, $5, $6, $7, 0, 0)', held)
  const first = ingestor.begin(one!)
  await until('the first to wait', () => waiting(database, 'Lock'))
  // The second expects duplicates, and waits with nothing open; the third does not, and copies.
  ingestor.committing.mode.current = 'merge'
  const second = ingestor.begin(two!, first)
  ingestor.committing.mode.current = 'copy'
  const third = ingestor.begin(three!, second)
  await until('the third to wait for the second', () => waiting(database, 'Client'))
  const startedMs = performance.now()
  await holder.query('rollback')

  await Promise.all([first.committed, second.committed, third.committed])
  // Else the server ends the third one's session, after the 20 s that these sessions may idle.
  expect(performance.now() - startedMs).toBeLessThan(10_000)
  expect(await breaches({ database, files })).toEqual([])
  expect(await database.value('select max(line_no) from user_activity')).toBe(5)
})

test.each([
  ['in the midst of a transaction that waits for the one before', 'Client'],
  ['in the midst of a COPY that waits for a lock', 'Lock'],
] as const)('a session that is ended %s costs a retry, not the process', async (_, waitsFor) => {
  const chance = new Chance(10)
  const events = [anEvent(chance), anEvent(chance)]
  const file = fileOf(
    'a.csv',
    events.map(event => ({ event })),
  )
  const { database, folders, files } = await prepared([file])
  const ingestor = hands(database, folders, { lockTimeoutMs: 20_000 })
  await ingestor.sweep()
  const [one, two, end] = ingestor.batches(await ingestor.claim(), 1)
  const holder = await database.pool.connect()
  atTestEnd(() => holder.release(true))
  await holder.query('begin')
  await holder.query(
    'insert into user_activity values ($1, $2, $3, $4, $5, $6, $7, 0, 0)',
    events[0],
  )
  const first = ingestor.begin(one!)
  const second = ingestor.begin(two!, first)
  const pid = await until('sessions that wait', async () => {
    const [lock, client] = [await waiting(database, 'Lock'), await waiting(database, 'Client')]
    return lock && client ? (waitsFor === 'Lock' ? lock : client) : null
  })
  await database.query('select pg_terminate_backend($1)', [pid])
  await until('its end', async () => {
    const [there] = await database.query('select from pg_stat_activity where pid = $1', [pid])
    return !there
  })
  await holder.query('rollback')
  await Promise.all([first.committed, second.committed])
  await ingestor.commit(end!)
  expect(await breaches({ database, files })).toEqual([])
})

test('two ingestors with the same rows in other files load each once', async () => {
  const rows = makeFile({ name: 'a.csv', seed: 11, rows: 400, badPercent: 0 })
  const twin = { ...rows, name: 'b.csv' }
  const { database, folders, files } = await prepared([rows, twin])
  const pair = [hands(database, folders), hands(database, folders)]
  await pair[0]!.sweep()
  await Promise.all(
    pair.map(async ingestor => {
      for (const batch of ingestor.batches(await ingestor.claim({ files: 1 }), 50)) {
        await ingestor.commit(batch)
      }
    }),
  )
  expect(await breaches({ database, files })).toEqual([])
  expect(await countersOff(database)).toEqual([])
})

async function prepared(
  files: MadeFile[],
): Promise<{ database: TestDatabase; folders: Folders; files: MadeFile[] }> {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  await publish(files, folders)
  return { database, folders, files }
}

async function expireLeases(database: TestDatabase): Promise<void> {
  await database.query(
    `update ingest_files set lease_until = clock_timestamp() - interval '1 s' where status = 'active'`,
  )
}

async function standing(database: TestDatabase): Promise<unknown> {
  const [row] = await database.query(
    `select (select count(*) from user_activity) as rows,
            (select count(*) from user_activity_errors) as rejects,
            (select sum(byte_offset)::bigint from ingest_files) as offsets,
            (select sum(rows_read)::bigint from ingest_files) as counted`,
  )
  return row
}

/** A backend of the ingestor inside a transaction that waits for a lock, or for its own client. */
async function waiting(database: TestDatabase, what: 'Lock' | 'Client'): Promise<number | null> {
  const [row] = await database.query<{ pid: number }>(
    `select pid from pg_stat_activity
      where datname = current_database() and application_name like 'ingestor %' and xact_start is not null
        and case $1 when 'Lock' then wait_event_type = 'Lock'
                    else state = 'idle in transaction' and query ilike 'copy %' end`,
    [what],
  )
  return row?.pid ?? null
}

/** Breaks the transaction just before its COMMIT, unseen: the tag of the answer is all there is to notice. */
function failBeforeCommit({ pool }: Hands, times: number): void {
  const connect = pool.connect.bind(pool)
  let left = times
  pool.connect = (async (done?: never) => {
    if (done) return connect(done)
    const client = await connect()
    const query = client.query.bind(client)
    client.query = ((...args: unknown[]) => {
      const ask = () => (query as (...args: unknown[]) => unknown)(...args)
      if (args[0] !== 'commit' || left-- <= 0) return ask()
      return query('select 1 / 0').then(ask, ask)
    }) as never
    return client
  }) as never
}
