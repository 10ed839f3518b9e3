import { expect, test } from 'vitest'
import type { Stored } from '../../services/ingestor/commit.ts'
import { InFlight } from '../../services/ingestor/inflight.ts'
import type { Turn } from '../../services/ingestor/turn.ts'
import { Chance } from '../support/chance.ts'
import { breaches } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { type Hands, hands } from '../support/in-process.ts'
import { anEvent, fileOf, type MadeFile, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const chance = new Chance(60)
const BATCH_ROWS = 10

type Row = readonly string[]

/** Of every ten rows one repeats an earlier one: of the file's beginning, of the batch before, of its own batch. */
function everyTenthTwice(rows: number): Row[] {
  const events: Row[] = []
  for (let row = 0; row < rows; row++) {
    const earlier = [row, 9, 1][Math.floor(row / 10) % 3]!
    events.push(row % 10 === 9 ? events[row - Math.max(1, earlier)]! : anEvent(chance))
  }
  return events
}

function news(rows: number): Row[] {
  return Array.from({ length: rows }, () => anEvent(chance))
}

test('where one row in ten is a duplicate, batches of a file are sifted at their first try, overlapping', async () => {
  const { database, files, ingestor } = await prepared(everyTenthTwice(300))
  ingestor.committing.mode.current = 'sift'
  const stored = await inRow(ingestor)
  expect(stored.slice(0, 30).map(({ mode, attempts }) => [mode, attempts])).toEqual(
    Array.from({ length: 30 }, () => ['sift', 1]),
  )
  expect(await breaches({ database, files })).toEqual([])
  expect(await database.value('select rows_duplicate from ingest_files')).toBe(30)
})

test('a row of a batch that is under way is kept back until that one is stored', async () => {
  const events = news(2 * BATCH_ROWS - 1)
  const { database, files, ingestor } = await prepared([...events, events[0]!])
  const holder = await holding(database, [events[BATCH_ROWS - 1]!])
  const [one, two, end] = ingestor.batches(await ingestor.claim(), BATCH_ROWS)
  const first = ingestor.begin(one!)
  await until('the first to wait', () => waits(database, 'for a lock'))
  ingestor.committing.mode.current = 'sift'
  const second = ingestor.begin(two!, first)
  await until('the second to wait for the first', () => waits(database, 'for its turn'))
  await holder('rollback')
  const stored = (await Promise.all([first.committed, second.committed])) as Stored[]
  expect(stored.map(({ attempts }) => attempts)).toEqual([1, 1])
  await ingestor.commit(end!)
  expect(await breaches({ database, files })).toEqual([])
})

test('a file of one event, thousands of times, is one row and thousands of duplicates', async () => {
  const event = anEvent(chance)
  const { database, files, ingestor } = await prepared(Array.from({ length: 5_000 }, () => event))
  for (const batch of ingestor.batches(await ingestor.claim(), 1_000)) await ingestor.commit(batch)
  expect(await breaches({ database, files })).toEqual([])
  expect(await database.value('select rows_duplicate from ingest_files')).toBe(4_999)
})

test('the first duplicate leads to sifting, and the last one back to plain copies', async () => {
  const { database, files, ingestor } = await prepared(everyTenthTwice(20))
  const modes: string[] = []
  for (const batch of ingestor.batches(await ingestor.claim(), BATCH_ROWS)) {
    modes.push((await ingestor.commit(batch)).mode)
    modes.push(ingestor.committing.mode.current)
  }
  expect(modes.slice(0, 6)).toEqual(['sift', 'sift', 'sift', 'sift', 'sift', 'copy'])
  expect(await breaches({ database, files })).toEqual([])
})

test('an id that somebody stores after it was asked for spoils the guess: the batch is merged, and the next', async () => {
  const events = news(2 * BATCH_ROWS)
  const { database, ingestor } = await prepared(events)
  const holder = await holding(database, [events[3]!, events[13]!])
  ingestor.committing.mode.current = 'sift'
  const [first, second] = ingestor.batches(await ingestor.claim(), BATCH_ROWS)
  const storing = ingestor.commit(first!)
  await until('the COPY to wait', () => waits(database, 'for a lock'))
  await holder('commit')
  expect(await storing).toMatchObject({ mode: 'merge', attempts: 2 })
  expect(await ingestor.commit(second!)).toMatchObject({ mode: 'merge', attempts: 1 })
  expect(await database.value('select rows_duplicate from ingest_files')).toBe(2)
})

test('sifted rows do not wait for long for somebody who may be waiting for them', async () => {
  const events = news(BATCH_ROWS)
  const { database, files, ingestor } = await prepared(events, 20_000)
  const holder = await holding(database, [events[5]!])
  ingestor.committing.mode.current = 'sift'
  const [batch, end] = ingestor.batches(await ingestor.claim(), BATCH_ROWS)
  const storing = ingestor.commit(batch!)
  await until('the lock time-out', () => ingestor.log.some(({ code }) => code === '55P03'), 10_000)
  await holder('rollback')
  expect(await storing).toMatchObject({ mode: 'merge' })
  await ingestor.commit(end!)
  expect(await breaches({ database, files })).toEqual([])
})

test('once a batch that stumbled is stored, those after it overlap again', async () => {
  const events = news(6 * BATCH_ROWS)
  const { database, files, ingestor } = await prepared(events, 500)
  const holder = await holding(database, [events[0]!])
  const [one, two, three, four, five, six, end] = ingestor.batches(
    await ingestor.claim(),
    BATCH_ROWS,
  )
  const first = ingestor.begin(one!)
  const second = ingestor.begin(two!, first)
  await until('the first to stumble', () => ingestor.log.some(({ code }) => code === '55P03'))
  const third = ingestor.begin(three!, second)
  await holder('rollback')
  const fourth = ingestor.begin(four!, third)
  const stored = await Promise.all([first, second, third, fourth].map(turn => turn.committed))
  const attempts = stored.map(each => (each as Stored).attempts)
  expect(attempts[0]).toBeGreaterThan(1)
  // The second had copied its rows already; the others have not tried in vain.
  expect(attempts.slice(1)).toEqual([2, 1, 1])

  const another = await holding(database, [events[4 * BATCH_ROWS]!])
  const fifth = ingestor.begin(five!, fourth)
  const sixth = ingestor.begin(six!, fifth)
  await until('the sixth to wait for the fifth', () => waits(database, 'for its turn'))
  await another('rollback')
  await sixth.committed
  await ingestor.commit(end!)
  expect(await breaches({ database, files })).toEqual([])
})

// Found by the soak's own test: two files stood still for a minute, as nothing but the server's time-out for
// idle transactions could end it.
test('two ingestors whose batches wait for each other across their rows stand back, each time one fails', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const [x, y, forFirst, forSecond] = news(4) as [Row, Row, Row, Row]
  const rows = (first: Row[], second: Row[]) =>
    [...padded(first), ...padded(second)].map(event => ({ event }))
  const files = [
    fileOf('a.csv', rows([forFirst, x], [y])),
    fileOf('b.csv', rows([forSecond, y], [x])),
  ]
  await publish(files, folders)
  // Longer than the second that sifted rows wait: what comes next happens while the first ones try again.
  const ingestors = [0, 1].map(() => hands(database, folders, { lockTimeoutMs: 4_000 }))
  await ingestors[0]!.sweep()
  const holder = await holding(database, [forFirst, forSecond])
  const inWork = []
  for (const ingestor of ingestors) {
    const [one, two, end] = ingestor.batches(await ingestor.claim({ files: 1 }), BATCH_ROWS)
    ingestor.committing.mode.current = 'sift'
    inWork.push({ ingestor, first: ingestor.begin(one!), two: two!, end: end! })
  }
  const turns = []
  for (const { ingestor, first, two } of inWork) {
    await until('the first to stumble', () => ingestor.log.some(({ code }) => code === '55P03'))
    turns.push(first, ingestor.begin(two, first))
  }
  await until('the second ones to wait', async () => (await waiting(database)) === 2)
  await holder('rollback')
  await Promise.race([
    Promise.all(turns.map(({ committed }) => committed)),
    until('all to be stored', () => false, 15_000),
  ])
  for (const { ingestor, end } of inWork) await ingestor.commit(end)
  expect(await breaches({ database, files })).toEqual([])
})

function padded(events: Row[]): Row[] {
  return [...events, ...news(BATCH_ROWS - events.length)]
}

async function prepared(
  events: readonly Row[],
  lockTimeoutMs = 20_000,
): Promise<{ database: TestDatabase; files: MadeFile[]; ingestor: Hands }> {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const file = fileOf(
    'a.csv',
    events.map(event => ({ event })),
  )
  await publish([file], folders)
  const ingestor = hands(database, folders, { lockTimeoutMs })
  await ingestor.sweep()
  return { database, files: [file], ingestor }
}

/** Begins each batch while the one before may be on its way, three at a time, as the pipeline does. */
async function inRow(ingestor: Hands): Promise<Stored[]> {
  const inFlight = new InFlight(3)
  const turns: Turn[] = []
  for (const batch of ingestor.batches(await ingestor.claim(), BATCH_ROWS)) {
    const turn = ingestor.begin(batch, turns.at(-1))
    turns.push(turn)
    inFlight.add(turn.committed)
    await inFlight.room()
  }
  return Promise.all(turns.map(({ committed }) => committed as Promise<Stored>))
}

/** Somebody else who has inserted the events, and has yet to say what is to become of them. */
async function holding(database: TestDatabase, events: readonly Row[]) {
  const holder = await database.pool.connect()
  atTestEnd(() => holder.release(true))
  await holder.query('begin')
  for (const event of events)
    await holder.query('insert into user_activity values ($1, $2, $3, $4, $5, $6, $7, 0, 0)', [
      ...event,
    ])
  return (statement: 'commit' | 'rollback') => holder.query(statement)
}

/** Sessions of ingestors that have done their COPY and wait for the batch before. */
function waiting(database: TestDatabase): Promise<number> {
  return database.value<number>(
    `select count(*)::int from pg_stat_activity
      where datname = current_database() and application_name like 'ingestor %' and query like 'copy %'
        and state = 'idle in transaction'`,
  )
}

/** Whether a session of the ingestor's waits in a COPY, or has done its COPY and waits for the one before. */
async function waits(
  database: TestDatabase,
  what: 'for a lock' | 'for its turn',
): Promise<boolean> {
  return database.value<boolean>(
    `select exists (select from pg_stat_activity
       where datname = current_database() and application_name like 'ingestor %' and query like 'copy %'
         and case $1 when 'for a lock' then wait_event_type = 'Lock' else state = 'idle in transaction' end)`,
    [what],
  )
}
