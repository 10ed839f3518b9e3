import { expect, test } from 'vitest'
import { Chance, seedOf } from '../support/chance.ts'
import { breaches, countersOff } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { hands } from '../support/in-process.ts'
import { type MadeFile, makeFile, publish } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { type Mischief, onStatement, startProxy } from '../support/proxy.ts'

const REPEATS = Number(process.env.TEST_REPEATS ?? 5)

const MISCHIEF: [row: number, what: string, mischief: Mischief, said: RegExp | null][] = [
  [21, 'whose answer is lost', { kind: 'lose the answer' }, /^the answer to COMMIT was lost/],
  [22, 'that never reaches the server', { kind: 'drop' }, null],
  [23, 'that arrives when the client has long gone on', { kind: 'deliver late', ms: 150 }, null],
  [23, 'that arrives five seconds late', { kind: 'deliver late', ms: 5_000 }, null],
]

test.each(MISCHIEF)(
  '%i: a COMMIT %s stores the batch once',
  async (_, what, mischief, said) => {
    const repeats = mischief.kind === 'deliver late' && mischief.ms > 1_000 ? 1 : REPEATS
    const { database, ingestor, proxy, files } = await throughProxy(repeats)
    for (const claim of await ingestor.claim({ files: repeats })) {
      proxy.mischief = onStatement(/^commit$/, mischief)
      const logged = ingestor.log.length
      for (const batch of ingestor.batches([claim], 20)) await ingestor.commit(batch)
      const messages = ingestor.log.slice(logged).map(({ msg }) => msg)
      expect(
        messages.filter(msg => /cannot be used now/.test(msg)),
        what,
      ).toHaveLength(1)
      if (said) expect(messages.filter(msg => said.test(msg))).toHaveLength(1)
    }
    expect(proxy.done).toBe(repeats)
    expect(await breaches({ database, files })).toEqual([])
    expect(await database.value('select sum(rows_duplicate)::int from ingest_files')).toBe(0)
  },
  REPEATS * 6_000,
)

test('21: a COMMIT whose answer is lost, and whose file another has taken on since, stores nothing twice', async () => {
  const { database, ingestor, proxy, files, folders } = await throughProxy(1)
  const other = hands(database, folders)
  const [first] = ingestor.batches(await ingestor.claim(), 20)
  proxy.mischief = statement => {
    if (statement !== 'commit') return null
    // By the time the first hears that it is alone, the second has the file.
    proxy.mischief = () => ({ kind: 'drop' })
    return { kind: 'lose the answer' }
  }
  const storing = ingestor.commit(first!)
  const takeover = async () => {
    await database.query(
      `update ingest_files set lease_until = clock_timestamp() - interval '1 s' where byte_offset > 0`,
    )
    return other.claim()
  }
  let claims = await takeover()
  while (claims.length === 0) claims = await takeover()
  proxy.mischief = () => null
  await expect(storing).rejects.toMatchObject({ code: 'FENCED' })
  for (const batch of other.batches(claims)) await other.commit(batch)
  expect(await breaches({ database, files })).toEqual([])
})

test.each([
  ['while it begins', /^begin;/],
  ['at the look at the claims', /for key share/],
  ['at the announcement of the COPY', /^copy user_activity /],
  ['in the middle of the rows', /^copy data$/],
  ['at the end of the rows', /^copy done$/],
  ['in the middle of the rejects', /^copy user_activity_errors /],
  ['at the compare-and-set', /^update ingest_files f\b/],
  ['at COMMIT', /^commit$/],
])('28: a connection that is reset %s costs a retry', async (_, statement) => {
  const { database, ingestor, proxy, files } = await throughProxy(1)
  const claims = await ingestor.claim()
  proxy.mischief = onStatement(statement, { kind: 'reset' })
  for (const batch of ingestor.batches(claims)) {
    expect((await ingestor.commit(batch)).attempts).toBe(2)
  }
  expect(proxy.done).toBe(1)
  expect(await breaches({ database, files })).toEqual([])
})

test.each([
  ['a plain statement', /for key share/],
  ['the announcement of the COPY', /^copy user_activity /],
  ['the rows', /^copy data$/],
  ['COMMIT', /^commit$/],
])(
  '26: a connection that falls silent at %s is given up by its own time-out',
  async (_, statement) => {
    const { database, ingestor, proxy, files } = await throughProxy(1, 1_000)
    const claims = await ingestor.claim()
    proxy.mischief = onStatement(statement, { kind: 'black hole' })
    const startedAt = performance.now()
    for (const batch of ingestor.batches(claims)) await ingestor.commit(batch)
    expect(performance.now() - startedAt).toBeGreaterThan(900)
    expect(proxy.done).toBe(1)
    expect(await breaches({ database, files })).toEqual([])
  },
)

test('28: connections that break at random statements, in every way, change nothing', async () => {
  const seed = seedOf('connections that break at random')
  const chance = new Chance(seed)
  const { database, ingestor, proxy, files } = await throughProxy(4)
  const kinds = ['lose the answer', 'drop', 'reset'] as const
  let statementsUntilNext = chance.whole(20, 40)
  proxy.mischief = statement => {
    if (statement === '' || statement === 'startup' || --statementsUntilNext > 0) return null
    statementsUntilNext = chance.whole(20, 40)
    return { kind: chance.pick(kinds) }
  }
  const claims = await until(() => ingestor.claim())
  for (const claim of claims) {
    let before: ReturnType<typeof ingestor.begin> | undefined
    const turns = ingestor.batches([claim], 10).map(batch => {
      before = ingestor.begin(batch, before)
      return before.committed
    })
    await Promise.all(turns)
  }
  const done = proxy.done
  proxy.mischief = () => null
  // A batch has more than four statements, and no forty of them in a row go unharmed.
  expect(done).toBeGreaterThan(5)
  expect(await breaches({ database, files })).toEqual([])
  expect(await countersOff(database)).toEqual([])
  expect(await database.value('select sum(rows_duplicate)::int from ingest_files')).toBe(0)
}, 60_000)

async function throughProxy(count: number, queryTimeoutMs?: number) {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files: MadeFile[] = Array.from({ length: count }, (_, index) =>
    makeFile({ name: `${index}.csv`, seed: 40 + index, rows: 60, badPercent: 10 }),
  )
  await publish(files, folders)
  const proxy = await startProxy(database)
  const ingestor = hands(proxy, folders, {
    ...(queryTimeoutMs ? { queryTimeoutMs } : {}),
  })
  await ingestor.sweep()
  return { database, folders, files, proxy, ingestor }
}

async function until<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Error)) throw error
    }
  }
}
