import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FAILPOINTS, type Failpoint } from '../../services/ingestor/failpoint.ts'
import { Chance, seedOf } from '../support/chance.ts'
import { breaches, sampleCounters } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 1_500
/** Of the long run; see `npm run test:faults`. */
const CYCLES = Number(process.env.TEST_CRASHES_AT_EACH_POINT ?? 1)
const KILLS = Number(process.env.TEST_KILLS ?? 20)
const INGESTORS = process.env.TEST_LONG ? [1, 2, 3, 4] : [1, 2]
const SMALL_BATCHES = { INGEST_BATCH_ROWS: '100' }

/** In the catalogue. */
const ROW_OF: Record<Failpoint, number> = {
  'after-claim': 1,
  'mid-read': 2,
  'after-begin': 3,
  'after-compare-and-set': 4,
  'after-copy': 5,
  'commit-sent': 6,
  'after-commit': 7,
  'before-archive': 8,
  'archive-name-reserved': 8,
  'after-archive-rename': 9,
}

describe.each(FAILPOINTS.map(point => [ROW_OF[point], point] as const))(
  '%i: a SIGKILL %s',
  (_, point) => {
    test(
      'loses no row, doubles none, and another takes over',
      async () => {
        for (let cycle = 0; cycle < CYCLES; cycle++) await crashAt(point, 2 - (cycle % 2), cycle)
      },
      CYCLES * 60_000,
    )
  },
)

/** Kills at the `pass`-th time the point is passed: the first is before any row, a later one among rows. */
async function crashAt(point: string, pass: number, cycle: number): Promise<void> {
  const files = makeFiles(8, { seed: 100 + cycle, rows: 300, repeatPercent: 1 })
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const samples = sampleCounters(database)
  const victim = startIngestor(database, folders, {
    ...SMALL_BATCHES,
    INGEST_FAILPOINT: point,
    INGEST_FAILPOINT_PASSES: String(pass),
  })
  await victim.waitForLog('ready', 30_000)
  for (const file of files) {
    await publish([file], folders)
    await sleep(30)
  }
  expect(await victim.exit(30_000)).toEqual({ code: null, signal: 'SIGKILL' })

  const held = await heldBy(victim.pid, database)
  const survivor = startIngestor(database, folders, SMALL_BATCHES)
  await survivor.waitForLog('ready', 30_000)
  // Of the first: the files of a dead owner are suspects, and taken over one at a time.
  await until('the takeover', () => fewerHeldBy(victim.pid, held, database), LEASE_MS + 5_000)
  await drained(database, files)
  expect(await survivor.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, folders, files })).toEqual([])
  expect((await samples.stop()).breached).toEqual([])
  // A hundred of them at the end of the test would be too many at once.
  await database.drop()
}

test.each(INGESTORS)(
  '10: SIGKILLs at random of %i ingestors lose no row and double none',
  async count => {
    const seed = seedOf(`${KILLS} kills of ${count} ingestors`)
    const chance = new Chance(seed)
    const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
    const files = makeFiles(KILLS * 5, { seed, rows: 300 })
    const samples = sampleCounters(database)
    const start = () => startIngestor(database, folders, SMALL_BATCHES)
    const working = Array.from({ length: count }, start)
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = chance.whole(0, count - 1)
      // Ready, so that the kill falls into work and not into the start of a process.
      await working[victim]!.waitForLog('ready', 30_000)
      await publish(files.slice(kill * 5, kill * 5 + 5), folders)
      await sleep(chance.whole(0, 250))
      await working[victim]!.stop('SIGKILL')
      working[victim] = start()
    }
    // Each of them may be a suspect by now, and suspects are taken over one at a time.
    await drained(database, files, 60_000 + files.length * 100)
    for (const ingestor of working) {
      await ingestor.waitForLog('ready', 30_000)
      expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    }
    const { samples: looks, breached } = await samples.stop()
    console.log(`counters held in each of ${looks} snapshots`)
    expect(breached).toEqual([])
    expect(await breaches({ database, folders, files })).toEqual([])
    // Every id was written once: a duplicate would be a row that was tried twice and counted so.
    expect(await database.value('select sum(rows_duplicate)::int from ingest_files')).toBe(0)
  },
  60_000 + KILLS * 10_000,
)

async function heldBy(pid: number, database: TestDatabase): Promise<number> {
  return database.value<number>(
    `select count(*) from ingest_files where status = 'active' and owner like 'ingestor % ' || $1 || ' %'`,
    [pid],
  )
}

async function fewerHeldBy(pid: number, than: number, database: TestDatabase): Promise<boolean> {
  return than === 0 || (await heldBy(pid, database)) < than
}
