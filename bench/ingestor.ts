import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild, timed } from './child.ts'
import { flushed, withFresh } from './clean-start.ts'
import { type DataDir, put } from './folders.ts'
import type { MadeFile, MadeFolder } from './made.ts'
import type { Bench, Sample, Side } from './question.ts'
import { service } from './services.ts'
import type { Database } from './stand.ts'

/** What `run --once --json` says. */
export interface Summary {
  readonly rows: { read: number; loaded: number; duplicate: number; rejected: number }
  readonly seconds: number
}

export const OWN_SECONDS = 'without start-up'

/**
 * The pipeline, as the project's users start it, on a folder that holds `what`. Its value is the
 * wall time of the whole process, from before its start to its end: start-up, listing, archiving
 * and the summary are in it.
 */
export function pipelineSide(bench: Bench, what: MadeFile | MadeFolder, name = 'pipeline'): Side {
  return { name, run: () => ingestOnce(bench, what) }
}

export async function ingestOnce(bench: Bench, what: MadeFile | MadeFolder): Promise<Sample> {
  return withFresh(bench, async (database, data) => {
    await put(what, data.input)
    await flushed(bench)
    const { seconds, memoryMb, summary } = await runOnce(bench, database, data)
    await database.expectRows(what.loads)
    return { value: seconds, memoryMb, also: { [OWN_SECONDS]: summary.seconds } }
  })
}

export async function runOnce(bench: Bench, database: Database, data: DataDir) {
  const { command, args } = await service('ingest')
  const ended = await timed(command, [...args, 'run', '--once', '--json'], {
    env: { ...database.env, DATA_DIR: data.path },
    signal: bench.signal,
  })
  return { ...ended, summary: JSON.parse(ended.stdout) as Summary }
}

export interface Running {
  readonly child: Child
  /** Waits for the end. @returns the most memory it had resident */
  stop(): Promise<number>
}

/** The service itself, started and ready. */
export async function startIngestor(
  bench: Bench,
  database: Database,
  data: DataDir,
): Promise<Running> {
  const { command, args } = await service('ingest')
  const child = startChild(command, [...args, 'run'], {
    env: { ...database.env, DATA_DIR: data.path, METRICS_PORT: '0' },
    signal: bench.signal,
  })
  while (!child.stderr().includes('"msg":"ready"')) {
    if (child.hasEnded()) throw new Error(`no ingestor: ${child.stderr()}`)
    await sleep(10)
  }
  return {
    child,
    async stop() {
      const memoryMb = child.memoryMb()
      child.process.kill('SIGTERM')
      await child.closed
      return memoryMb
    },
  }
}
