import { describe, expect, test } from 'vitest'
import { breaches, countersOff } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, readiness, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 1_500
const REPEATS = Number(process.env.TEST_FREEZES ?? 1)

/** Where the process stands when it freezes, by the statement that it has sent and the server waits for. */
const MOMENTS: [row: number, where: string, statement: RegExp, evicted: boolean][] = [
  [13, 'between two batches', /^begin;/, false],
  [12, 'in the middle of a COPY', /^copy data$/, true],
  [
    11,
    'with a transaction idle before the compare-and-set',
    /^update ingest_files f\s+set byte_offset/,
    true,
  ],
  [11, 'with all done but the COMMIT', /^commit$/, true],
]

describe.each(MOMENTS)('%i: an ingestor frozen %s', (_, __, statement, evicted) => {
  test(
    'loses its files within lease + 5 s, and says `fenced` when it wakes',
    async () => {
      for (let repeat = 0; repeat < REPEATS; repeat++) await freeze(statement, evicted, repeat)
    },
    REPEATS * 40_000,
  )
})

async function freeze(statement: RegExp, evicted: boolean, seed: number): Promise<void> {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(1, { seed: 200 + seed, rows: 800 })
  const proxy = await startProxy(database)
  const thaw = Promise.withResolvers<void>()
  let passed = 0
  proxy.mischief = text => {
    // The third time: some batches are stored by then.
    if (!statement.test(text) || ++passed !== 3) return null
    return { kind: 'hold', until: thaw.promise }
  }
  // One transaction at a time: another one, of the same process, would be in another place.
  const settings = { INGEST_BATCH_ROWS: '100', INGEST_CONNECTIONS: '1' }
  const frozen = startIngestor(proxy, folders, settings)
  await frozen.waitForLog('ready')
  await publish(files, folders)
  await until('the moment', () => proxy.done > 0)
  frozen.signal('SIGSTOP')
  const frozenAt = performance.now()

  const other = startIngestor(database, folders, settings)
  await until(
    'the takeover',
    async () =>
      (await database.value<number>(
        `select count(*) from ingest_files where owner like 'ingestor % ' || $1 || ' %'`,
        [frozen.pid],
      )) === 0,
    LEASE_MS + 5_000,
  )
  console.log(`taken over ${Math.round(performance.now() - frozenAt)} ms after the freeze`)
  // What the frozen one had finished, the sweep for files left behind moves away.
  await drained(database, files)
  const evictions = other.log.filter(({ msg }) => msg?.startsWith('ended the sessions'))
  expect(evictions.length > 0).toBe(evicted)

  const batchesBefore = frozen.log.filter(({ msg }) => msg === 'batch committed').length
  const loadedBefore = await database.value('select count(*) from user_activity')
  thaw.resolve()
  frozen.signal('SIGCONT')
  await frozen.waitForLog('fenced', 15_000)
  expect(frozen.log.filter(({ msg }) => msg === 'batch committed')).toHaveLength(batchesBefore)
  expect(await database.value('select count(*) from user_activity')).toBe(loadedBefore)
  await until('the old one to be fit again', async () => (await readiness(frozen)).status === 200)
  for (const ingestor of [frozen, other]) {
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  }
  expect(await breaches({ database, folders, files })).toEqual([])
  expect(await countersOff(database)).toEqual([])
  expect(await database.value('select sum(rows_duplicate)::int from ingest_files')).toBe(0)
  // A hundred of them at the end of the test would be too many at once.
  await database.drop()
}
