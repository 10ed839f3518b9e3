import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { breaches, sampleCounters } from '../support/checker.ts'
import { type MadeFile, makeFile, makeFiles } from '../support/made-file.ts'
import { until } from '../support/until.ts'
import { docker, lines } from './docker.ts'
import type { Container } from './inspection.ts'
import { newStack, type Stack } from './stack.ts'

const INGESTORS = 4
const LEASE_MS = 3_000
const STREAM_PAUSE_MS = 30

/** How an ingestor goes, and how it comes back. */
const FAULTS: [name: string, lose: Fault, heal: Fault][] = [
  [
    'killed',
    (_, { Id }) => docker('kill', '--signal', 'KILL', Id),
    (_, { Id }) => docker('start', Id),
  ],
  ['frozen', (_, { Id }) => docker('pause', Id), (_, { Id }) => docker('unpause', Id)],
  [
    'cut off',
    (stack, { Id }) => docker('network', 'disconnect', '-f', `${stack.project}_database`, Id),
    (stack, { Id }) => docker('network', 'connect', `${stack.project}_database`, Id),
  ],
]
type Fault = (stack: Stack, victim: Container) => Promise<unknown>

/** The tests go on from one another; what is checked at the end of each is all that was ever dropped. */
describe.skipIf(!inject('engine'))('four ingestors over one folder', () => {
  let stack: Stack
  let four: Container[]
  const files: MadeFile[] = []
  let seed = 600

  beforeAll(async () => {
    const settings = { INGEST_LEASE_SECONDS: LEASE_MS / 1000, INGEST_BATCH_ROWS: 5_000 }
    stack = await newStack({ settings })
    await rm(join(stack.folders.archive, '.gitkeep'))
    await stack.compose('up', '-d', '--scale', `ingestor=${INGESTORS}`, 'ingestor')
    four = await stack.healthy('ingestor')
    expect(four).toHaveLength(INGESTORS)
  })

  it('share a stream of files evenly, and no byte is read twice', async () => {
    const readBefore = await Promise.all(four.map(bytesRead))
    const made = makeFiles(400, { prefix: 'stream', seed: ++seed, rows: 500 })
    // One after the other: of files that come all at once, the first to look takes 8 MB.
    for (const file of made) {
      await drop([file])
      await sleep(STREAM_PAUSE_MS)
    }
    await exact()
    const loaded = await Promise.all(four.map(rowsLoadedBy))
    const mean = loaded.reduce((sum, one) => sum + one) / INGESTORS
    const read = (await Promise.all(four.map(bytesRead))).map((now, at) => now - readBefore[at]!)
    const written = made.reduce((sum, { content }) => sum + content.length, 0)
    const timesRead = read.reduce((sum, one) => sum + one) / written
    console.log(
      `rows loaded by each of four: ${loaded.join(', ')}; bytes read for a byte of input: ${timesRead.toFixed(3)}`,
    )
    for (const one of loaded) {
      expect(one / mean).toBeGreaterThan(0.6)
      expect(one / mean).toBeLessThan(1.4)
    }
    expect(timesRead).toBeLessThan(1.3)
    expect(await stack.query('select sum(takeovers)::integer as n from ingest_activity')).toEqual([
      { n: 0 },
    ])
  })

  it('bring small files in while a large one is being loaded', async () => {
    const large = makeFile({ name: 'large.csv', seed: ++seed, rows: 150_000, badPercent: 0 })
    await drop([large])
    await until('the large one to be under way', async () => {
      const [row] = await stack.query(
        `select from ingest_files where file_name = 'large.csv' and byte_offset > 0`,
      )
      return row !== undefined
    })
    await drop(makeFiles(40, { prefix: 'small', seed: ++seed, rows: 100 }))
    await exact()
    const [seen] = await stack.query(
      `select count(*)::integer as small,
              count(*) filter (where loaded_at < (select loaded_at from ingest_files where file_name = 'large.csv'))::integer as before,
              max(extract(epoch from loaded_at - discovered_at))::float8 as slowest
         from ingest_files where file_name like 'small%'`,
    )
    const [{ took }] = (await stack.query(
      `select extract(epoch from loaded_at - started_at)::float8 as took from ingest_files where file_name = 'large.csv'`,
    )) as [{ took: number }]
    console.log(
      `40 small files beside one of 150,000 rows (${took.toFixed(1)} s): the slowest took ${(seen!.slowest as number).toFixed(2)} s`,
    )
    expect(seen).toMatchObject({ small: 40, before: 40 })
  })

  it.for(FAULTS)('take over from one that is %s within lease + 5 s', async ([name, lose, heal]) => {
    const sampling = sampleCounters(stack, 1_000)
    await drop(makeFiles(8, { prefix: name.replace(' ', '_'), seed: ++seed, rows: 30_000 }))
    await until('the load', () => inTheMiddle(four))
    const goOn = await stack.holdRows()
    const victim = await until('an ingestor in mid-load', () => inTheMiddle(four))
    await lose(stack, victim)
    const lostAt = performance.now()
    await goOn()
    const held = await heldBy(victim)
    await until('the takeover', async () => (await heldBy(victim)) === 0, LEASE_MS + 5_000)
    const takeoverMs = performance.now() - lostAt
    await drained()
    await heal(stack, victim)
    await stack.healthy('ingestor')
    await exact()
    const { samples, breached } = await sampling.stop()
    console.log(
      `${name} with ${held} file(s) in hand: taken over after ${(takeoverMs / 1000).toFixed(1)} s (lease ${LEASE_MS / 1000} s); ${samples} looks at the counters meanwhile`,
    )
    expect(held).toBeGreaterThan(0)
    expect(breached).toEqual([])
  })

  async function drop(made: readonly MadeFile[]): Promise<void> {
    for (const file of made) {
      files.push(file)
      await stack.drop(file.name, file.content)
    }
  }

  const drained = () => stack.drained(90_000)

  async function exact(): Promise<void> {
    await drained()
    const folders = stack.folders
    expect(await breaches({ database: stack, folders, files })).toEqual([])
  }

  /** One that has a transaction open, and stored some of its file before. */
  async function inTheMiddle(among: readonly Container[]): Promise<Container | undefined> {
    const rows = await stack.query(
      `select owner from ingest_files f
        where status = 'active' and byte_offset > 0
          and exists (select from pg_stat_activity a
                       where a.application_name = f.owner and a.query ilike 'copy user_activity %')`,
    )
    return among.find(({ Id }) => rows.some(({ owner }) => String(owner).includes(hostnameOf(Id))))
  }

  async function heldBy({ Id }: Container): Promise<number> {
    const [row] = await stack.query(
      `select count(*)::integer as n from ingest_files where owner like 'ingestor ${hostnameOf(Id)} %'`,
    )
    return row!.n as number
  }

  async function rowsLoadedBy({ Id }: Container): Promise<number> {
    const [row] = await stack.query(
      `select coalesce(sum(rows_loaded), 0)::integer as n from ingest_activity
        where owner like 'ingestor ${hostnameOf(Id)} %'`,
    )
    return row!.n as number
  }
})

const hostnameOf = (id: string): string => id.slice(0, 12)

/** Bytes that the ingestor of a container asked the kernel for: files above all, and answers. */
async function bytesRead({ Id }: Container): Promise<number> {
  // Not what a health probe reads, which is another process each time.
  const own = lines(await docker('top', Id, '-o', 'pid,args')).filter(it => it.includes('main.ts'))
  let sum = 0
  for (const line of own) {
    const io = await readFile(`/proc/${Number.parseInt(line, 10)}/io`, 'utf8')
    sum += Number(/^rchar: (\d+)$/m.exec(io)![1])
  }
  return sum
}
