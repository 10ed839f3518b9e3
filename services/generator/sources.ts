import { type ChunkSource, linewiseChunks, plainChunks } from './chunks.ts'
import { type Clock, steppedClock, systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { eventSource } from './events.ts'
import { faultSource } from './faults.ts'
import { momentSource } from './moments.ts'
import type { Pace } from './pace.ts'
import { draw, randomFrom, runIdFrom } from './random.ts'
import { actionSource } from './shoppers.ts'

export interface Sources {
  readonly seed: number
  readonly runId: string
  readonly clock: Clock
  readonly nextSize: () => number
  readonly chunks: ChunkSource
}

/** Between two events where neither a rate nor an interval says how dense they are. */
const DENSE_MICROS = 1000

/**
 * All that is drawn at random, from the seed. Ids and the run's name come from the seed as well only
 * where the time does, too: two runs with one seed, be it at the same moment on two machines, must
 * not write the same ids, or one would be rejected for the other's sake.
 * @param anySeed a number from 0 to 2^32 - 1 that nobody can foresee
 */
export function sourcesOf(config: Config, anySeed: () => number): Sources {
  const seed = config.seed ?? anySeed()
  const identity = config.startMicros === undefined ? anySeed() : seed
  const runId = runIdFrom(randomFrom(identity, 'run'))
  const random = randomFrom(seed, 'events')
  const clock = clockOf(config)
  const events = eventSource({
    moments: momentSource(clock, random, sinceMicros(config)),
    actions: actionSource(random, runId),
    ids: randomFrom(identity, 'ids'),
  })
  const isPlain =
    config.badRate === 0 && config.duplicateRate === 0 && config.manifest === undefined
  const chunks = isPlain
    ? plainChunks(events)
    : linewiseChunks(events, faultSource(config, randomFrom(seed, 'faults')))
  const nextSize = () => draw(random, config.rowsMin, config.rowsMax)
  return { seed, runId, clock, nextSize, chunks }
}

function clockOf({ startMicros, pace, rowsMin, rowsMax }: Config): Clock {
  if (startMicros === undefined) return systemClock()
  return steppedClock(startMicros, microsPerEvent(pace, (rowsMin + rowsMax) / 2))
}

function microsPerEvent(pace: Pace, rowsPerFile: number): number {
  if ('eventsPerSecond' in pace) return 1_000_000 / pace.eventsPerSecond
  return pace.intervalMs === 0 ? DENSE_MICROS : (pace.intervalMs * 1000) / Math.max(rowsPerFile, 1)
}

/** The first file tells of the time that one file covers, as all later ones will. */
function sinceMicros({ startMicros, pace }: Config): number {
  if (startMicros !== undefined) return 0
  return 'intervalMs' in pace && pace.intervalMs > 0 ? pace.intervalMs * 1000 : 1_000_000
}
