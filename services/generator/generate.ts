import { HEADER } from '../contract/dialect.ts'
import type { Logger } from '../runtime/logger.ts'
import type { ChunkSource } from './chunks.ts'
import type { Clock } from './clock.ts'
import { type Folders, ORPHAN_AGE_MS, removeOrphans } from './folders.ts'
import type { Manifest } from './manifest.ts'
import { fileName } from './names.ts'
import type { Progress } from './progress.ts'
import { append, type Draft, discard, openDraft, publish } from './publish.ts'
import { addFile, emptyTally, type Summary, type Tally, tally } from './summary.ts'
import { syncFolder } from './sync-folder.ts'

/** Fewer cost more calls; with 1000, twice the memory outlives the young generation, for no speed. */
const CHUNK_ROWS = 500
const HEADER_LINE = Buffer.from(`${HEADER}\n`)

/** Everything a run needs; nothing in here reads the environment or starts a clock. */
export interface Run {
  readonly runId: string
  readonly folders: Folders
  /** How many files; Infinity: until stopped. */
  readonly files: number
  readonly nextSize: () => number
  readonly chunks: ChunkSource
  readonly turn: (eventsBefore: number) => Promise<void>
  readonly clock: Clock
  readonly manifest: Manifest | undefined
  readonly progress: Progress
  readonly logger: Logger
  readonly stop: AbortSignal
}

/** Publishes files until there are enough, or until stopped; `summary` is kept up to date meanwhile. */
export async function generate(run: Run, summary: Summary): Promise<void> {
  const sweepOrphans = orphanSweep(run)
  for (let rows = 0; summary.files < run.files; ) {
    await run.turn(rows)
    if (run.stop.aborted) return
    await sweepOrphans()
    rows = run.nextSize()
    const name = fileName(run.clock.now(), run.runId, summary.files + 1)
    if (!(await publishFile(run, summary, name, rows))) return
  }
}

/** @returns false where a stop came first, and nothing is left of the file */
async function publishFile(
  run: Run,
  summary: Summary,
  name: string,
  rows: number,
): Promise<boolean> {
  const draft = await openDraft(run.folders, name)
  run.manifest?.begin(name)
  try {
    const written = await writeRows(run, summary, draft, rows)
    if (written.rows < rows) {
      await forget(run, draft)
      return false
    }
    await publish(draft, async () => run.manifest?.sync())
    addFile(summary, written, draft.bytes)
  } catch (error) {
    await forget(run, draft)
    throw error
  }
  await syncFolder(run.folders.inputDir)
  await syncFolder(run.folders.tempDir)
  run.progress.published(summary, { name, rows, bytes: draft.bytes })
  return true
}

async function writeRows(run: Run, summary: Summary, draft: Draft, rows: number): Promise<Tally> {
  const written = emptyTally()
  await append(draft, HEADER_LINE)
  while (written.rows < rows && !run.stop.aborted) {
    const chunk = run.chunks(Math.min(rows - written.rows, CHUNK_ROWS))
    await append(draft, chunk.bytes)
    await run.manifest?.record(chunk.lines)
    tally(written, chunk)
    run.progress.advanced(summary, written.rows, written.rows / rows)
  }
  return written
}

async function forget(run: Run, draft: Draft): Promise<void> {
  await discard(draft)
  await run.manifest?.forget()
}

/** At the start, and again whenever a draft that was too young then may have come of age. */
function orphanSweep({ folders, runId, logger }: Run): () => Promise<void> {
  let sweptMs = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - sweptMs < ORPHAN_AGE_MS) return
    sweptMs = performance.now()
    const removed = await removeOrphans(folders, runId)
    if (removed.length > 0) logger.warn({ files: removed }, 'removed what killed generators left')
  }
}
