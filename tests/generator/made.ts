import { systemClock } from '../../services/generator/clock.ts'
import { eventSource, type Row } from '../../services/generator/events.ts'
import { momentSource } from '../../services/generator/moments.ts'
import { randomFrom } from '../../services/generator/random.ts'
import { actionSource } from '../../services/generator/shoppers.ts'

/** The next rows of a seed, made a thousand at a time as the generator does. */
export function made(count: number, seed = 1, clock = systemClock()): Row[] {
  const random = randomFrom(seed, 'events')
  const events = eventSource({
    moments: momentSource(clock, random, 1_000_000),
    actions: actionSource(random, 'abc123'),
    ids: randomFrom(seed, 'ids'),
  })
  return Array.from({ length: Math.ceil(count / 1000) }, (_, index) =>
    events(Math.min(1000, count - index * 1000)),
  ).flat()
}
