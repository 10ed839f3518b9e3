import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../support/chance.ts'
import type { Folders } from '../support/folders.ts'
import type { OwnServer } from '../support/own-server.ts'
import type { Fleet } from './fleet.ts'
import type { Ingestor } from './ingestor.ts'
import type { Load } from './load.ts'
import type { Takeovers } from './takeovers.ts'

/** What a fault can lay hands on. */
export interface World {
  readonly server: OwnServer
  readonly folders: Folders
  readonly fleet: Fleet
  readonly load: Load
  readonly takeovers: Takeovers
  /** Every choice of a fault is drawn from here, and so from the seed. */
  readonly chance: Chance
  /** The run ends: what was done is undone without further waiting. */
  readonly stop: AbortSignal
}

export interface Fault {
  readonly name: string
  readonly family: 'process' | 'server' | 'network' | 'files'
  /** What it is, for the summary. */
  readonly what: string
  /** After it, all must be fit again within so long. Default 30 s. */
  readonly recoveryMs?: number
  /** Does it, and undoes it. @returns what happened, in words */
  strike(world: World): Promise<string>
}

/** Until then, or until the run ends. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined)
}

const LOOK_EVERY_MS = 5
const WORK_COMES_WITHIN_MS = 4_000

/** Waits until an ingestor has files in hand, so that the fault falls into work, then a moment more. */
export async function inWork(ingestor: Ingestor, world: World): Promise<void> {
  const endMs = performance.now() + WORK_COMES_WITHIN_MS
  const { takeovers, chance, stop } = world
  const extraMs = chance.whole(0, 40)
  while (!stop.aborted && performance.now() < endMs) {
    if (ingestor.life && (await takeovers.heldBy(ingestor.life.pid))) break
    await sleep(LOOK_EVERY_MS)
  }
  await sleep(extraMs)
}
