import { link, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { from as copyFrom } from 'pg-copy-streams'
import { COLUMNS } from '../services/contract/event.ts'
import type { DataDir } from './folders.ts'
import type { Sample } from './question.ts'
import { percentile } from './rounds.ts'
import type { Database } from './stand.ts'
import type { Step } from './steps.ts'
import { watchFor } from './visible.ts'

export const P99 = 'p99'

export interface Pace {
  readonly everyMs: number
  /** So many of the first steps are not counted. */
  readonly warmUp: number
}

/** Renames one file after the other into the folder; how long each is on its way to be visible. */
export async function dropInSteps(
  steps: readonly Step[],
  pace: Pace,
  database: Database,
  data: DataDir,
  pollPauseMs = 0,
): Promise<Sample> {
  // Under another name than the shared file's: the rename is what is timed.
  for (const { path } of steps) await link(path, join(data.temp, basename(path)))
  const watch = await watchFor(database, pollPauseMs)
  await paced(steps, pace, async ({ path, lastId }) => {
    watch.expect(lastId)
    await rename(join(data.temp, basename(path)), join(data.input, basename(path)))
  })
  return sampleOf(await watch.stop(), pace)
}

/** The same rows by COPY on a connection that is open, until COMMIT is answered. */
export async function copyInSteps(
  steps: readonly Step[],
  pace: Pace,
  database: Database,
): Promise<Sample> {
  const watch = await watchFor(database, 0)
  const client = await database.connect()
  const copy = `copy user_activity (${COLUMNS.join(', ')}, file_id, line_no) from stdin (format csv)`
  const tookMs: number[] = []
  await paced(steps, pace, async ({ lines, lastId }) => {
    const text = lines.map((line, index) => `${line},1,${index + 2}\n`).join('')
    await client.query('begin')
    watch.expect(lastId)
    const startedMs = performance.now()
    await pipeline(Readable.from([Buffer.from(text)]), client.query(copyFrom(copy)))
    await client.query('commit')
    tookMs.push(performance.now() - startedMs)
  })
  await watch.stop()
  await client.end()
  return sampleOf(tookMs, pace)
}

async function paced(
  steps: readonly Step[],
  { everyMs }: Pace,
  take: (step: Step) => Promise<void>,
): Promise<void> {
  const startedMs = performance.now()
  for (const [index, step] of steps.entries()) {
    await sleep(Math.max(0, startedMs + index * everyMs - performance.now()))
    await take(step)
  }
}

function sampleOf(tookMs: readonly number[], { warmUp }: Pace): Sample {
  const counted = tookMs.slice(warmUp)
  const longest = Math.max(...counted)
  return {
    value: percentile(counted, 0.5),
    also: { [P99]: percentile(counted, 0.99), longest },
  }
}
