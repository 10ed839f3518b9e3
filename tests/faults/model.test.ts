import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Chance, seedOf } from '../support/chance.ts'
import { countersOff, sampleCounters } from '../support/checker.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { ModelFolder } from '../support/model.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import type { RunningService } from '../support/process.ts'
import { until } from '../support/until.ts'

const RUNS = Number(process.env.TEST_MODEL_RUNS ?? 2)
const STEPS = 40
const FIRST_SEED = seedOf(`${RUNS} model runs, of this seed and those after it`)
/** Seeds that failed once. */
const REGRESSIONS: number[] = []

test.each([...REGRESSIONS, ...Array.from({ length: RUNS }, (_, run) => FIRST_SEED + run)])(
  '10, 13, 41-43, 48 and 50: files and ingestors at random, from seed %i: what is in the files is in the tables',
  async seed => {
    const chance = new Chance(seed)
    const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
    const story: string[] = []
    const model = new ModelFolder(folders, chance)
    const crew = new Crew(chance, database, folders)
    const samples = sampleCounters(database)
    try {
      for (let step = 1; step <= STEPS; step++) {
        story.push(chance.whole(1, 5) === 1 ? crew.step() : model.step())
        await sleep(chance.whole(0, 80))
        if (step % (STEPS / 2) !== 0) continue
        model.complete()
        model.check()
        crew.thaw()
        await agreement(model, database)
        story.push('agreed')
      }
      expect((await samples.stop()).breached).toEqual([])
      await crew.stop()
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}\n${story.join('\n')}`, {
        cause: error,
      })
    } finally {
      await samples.stop()
    }
    await database.drop()
  },
  120_000,
)

/** Waits until every file is done as it stands, and holds the tables against the files. */
async function agreement(model: ModelFolder, database: TestDatabase): Promise<void> {
  const files = model.files()
  let behind = ''
  await until(
    'every file to be done as it stands',
    async () => {
      const known = new Map((await newest(database)).map(row => [row.file_name, row]))
      behind = JSON.stringify([...known.values()])
      const isDone = files.every(({ name, size, mtimeNs, inode }) => {
        const row = known.get(name)
        return (
          row?.status === 'done' &&
          row.size === size &&
          row.mtime_ns === mtimeNs &&
          row.inode === inode
        )
      })
      return isDone && ![...known.values()].some(({ unfinished }) => unfinished)
    },
    40_000,
  ).catch(error => {
    throw new Error(
      `${error.message}; in the tables: ${behind}; in the folder: ${JSON.stringify(files.map(({ lines, ...file }) => ({ ...file, lines: lines.length })))}`,
    )
  })
  for (const row of await newest(database)) {
    const file = files.find(({ name }) => name === row.file_name)
    if (!file) continue
    const bad = file.lines.filter(({ reason }) => reason !== null).length
    expect({ file: row.file_name, ...row.counts }).toEqual({
      ...{ file: file.name, read: file.lines.length, rejected: bad },
      stored: file.lines.length - bad,
    })
    const rejects = await database.query<{ line: number; reason: string; text: string }>(
      `select line_no as line, reason, convert_from(raw_line, 'UTF8') as text
         from user_activity_errors where file_id = $1 order by line_no`,
      [row.file_id],
    )
    expect(rejects).toEqual(
      file.lines.flatMap(({ reason, text }, index) =>
        reason === null ? [] : [{ line: index + 2, reason, text }],
      ),
    )
  }
  expect(await rowsOff(model, database)).toEqual([])
  expect(await countersOff(database)).toEqual([])
  const conflicts = `select count(*) from user_activity_errors where reason = 'id_conflict'`
  expect(await database.value(conflicts)).toBe(0)
}

/** Rows that nobody ever wrote so, and lines of the files that are not there. */
async function rowsOff(model: ModelFolder, database: TestDatabase): Promise<unknown[]> {
  const good = model.ever.filter(({ reason }) => reason === null)
  const here = new Set(model.files().flatMap(({ lines }) => lines))
  const column = (index: number) => good.map(({ event }) => event[index])
  return database.query(
    `with ever as materialized (
       select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::integer[], $5::numeric[],
                            $6::integer[], $7::text[], $8::boolean[])
         as e (event_id, event_time, event_type, product_id, price, user_id, session_id, here)
     ), stored as materialized (
       select event_id, event_time, event_type, product_id, price, user_id, session_id from user_activity
     ), never_written as (
       select * from stored
       except
       select event_id, event_time, event_type, product_id, price, user_id, session_id from ever
     )
     select event_id, 'never written so' as what from never_written
     union all
     select event_id, 'missing' from ever
      where here and event_id not in (select event_id from stored)
     limit 10`,
    [...[0, 1, 2, 3, 4, 5, 6].map(column), good.map(line => here.has(line))],
  )
}

interface Newest {
  file_id: number
  file_name: string
  status: string
  size: number
  mtime_ns: string
  inode: string
  /** This generation of the name or an older one. */
  unfinished: boolean
  counts: { read: number; stored: number; rejected: number }
}

function newest(database: TestDatabase): Promise<Newest[]> {
  return database.query<Newest & Record<string, unknown>>(
    `select distinct on (file_name) file_id, file_name, status, size_bytes as size,
            mtime_ns::text, inode::text,
            bool_or(status in ('pending', 'active', 'parked')) over (partition by file_name) as unfinished,
            json_build_object('read', rows_read, 'stored', rows_loaded + rows_duplicate,
                              'rejected', rows_rejected) as counts
       from ingest_files order by file_name, generation desc`,
  )
}

/** Two ingestors of which now and then one is killed and replaced, or frozen for a while. */
class Crew {
  readonly #chance: Chance
  readonly #start: () => RunningService
  readonly #working: RunningService[]
  readonly #frozen = new Set<RunningService>()

  constructor(chance: Chance, database: TestDatabase, folders: Folders) {
    const settings = {
      INGEST_BATCH_ROWS: '60',
      INGEST_LEASE_SECONDS: '0.8',
      INGEST_SETTLE_SECONDS: '0.15',
      // What is in the folder stays there, so that the model alone decides what that is.
      INGEST_ARCHIVE: 'keep',
    }
    this.#chance = chance
    this.#start = () => startIngestor(database, folders, settings)
    this.#working = [this.#start(), this.#start()]
  }

  /** @returns what it did, in words */
  step(): string {
    const place = this.#chance.whole(0, 1)
    const one = this.#working[place]!
    if (this.#frozen.delete(one)) {
      one.signal('SIGCONT')
      return `ingestor ${place}: thawed`
    }
    if (this.#chance.whole(0, 1) === 1) {
      one.signal('SIGSTOP')
      this.#frozen.add(one)
      return `ingestor ${place}: frozen`
    }
    one.signal('SIGKILL')
    this.#working[place] = this.#start()
    return `ingestor ${place}: killed, another started`
  }

  thaw(): void {
    for (const one of this.#frozen) one.signal('SIGCONT')
    this.#frozen.clear()
  }

  async stop(): Promise<void> {
    for (const one of this.#working) {
      await one.waitForLog('ready')
      expect(await one.stop()).toEqual({ code: 0, signal: null })
    }
  }
}
