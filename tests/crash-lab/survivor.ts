import { until } from '../support/until.ts'
import type { Act } from './act.ts'
import type { Ingestor } from './ingestor.ts'
import { type Look, lookAt } from './look.ts'
import { BATCH_BEGINS } from './moments.ts'
import { number } from './paper.ts'
import type { Stage } from './stage.ts'

const TAKEOVER_MS = 20_000
const DONE_MS = 60_000

interface Resumption {
  look: Look
  afterMs: number
}

/** Where the survivor goes on: held for a blink at the start of its first transaction of rows. */
export async function resumption(
  { database }: Stage,
  survivor: Ingestor,
  fileName: string,
): Promise<Resumption> {
  const startedMs = performance.now()
  await survivor.setTrap({
    ...{ statement: BATCH_BEGINS, left: { passes: 1 }, unheard: false, lastOfFile: false },
  })
  const afterMs = performance.now() - startedMs
  const look = (await lookAt(database, fileName))!
  survivor.spring()
  return { look, afterMs }
}

export async function describeSurvivor(
  { paper }: Act,
  survivor: Ingestor,
  resumed: Promise<Resumption>,
  left: Look,
): Promise<boolean> {
  const { look, afterMs } = await paper.whileWaiting(
    `${survivor.name} waits for the lease of the dead one to end`,
    within(TAKEOVER_MS, 'the takeover', resumed),
  )
  const same = look.byteOffset === left.byteOffset
  const verdict = paper.tone(same ? 'good' : 'bad', same ? 'the same' : 'ANOTHER')
  paper.fact(
    'survivor',
    `${survivor.name} took the file over ${seconds(afterMs)} after the kill (epoch ${left.epoch} → ${look.epoch}) and goes on at byte ${number(look.byteOffset)}: ${verdict}`,
  )
  return same
}

/** A file that was finished with: nobody has to read it again. */
export async function describeLeftBehind(
  { stage, paper }: Act,
  survivor: Ingestor,
  fileName: string,
): Promise<void> {
  const startedMs = performance.now()
  await paper.whileWaiting(
    'the survivor looks for what was left behind',
    movedAway(stage, fileName),
  )
  const afterMs = performance.now() - startedMs
  paper.fact(
    'survivor',
    `${survivor.name} has nothing to read; ${seconds(afterMs)} later the file is in the archive, and marked so`,
  )
}

/** @throws Error where it does not come in time: the lab itself is at fault then */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

export async function movedAway({ database }: Stage, fileName: string): Promise<Look> {
  return until(
    'the file to be done and moved away',
    async () => {
      const look = await lookAt(database, fileName).catch(() => null)
      return look?.archived ? look : null
    },
    DONE_MS,
  )
}
