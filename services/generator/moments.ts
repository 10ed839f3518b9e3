import type { Clock } from './clock.ts'
import type { Randomizer } from './random.ts'

/**
 * When events happened: spread at random over the time that has passed since the batch before, so
 * that none lies in the future by more than the clock's own tick. Each moment is later than the one
 * before it by a microsecond or more, also where the clock was set back: event ids take their order
 * from this.
 * @param sinceMicros how long before the clock's present time the first batch begins
 * @returns a function giving the moments of a batch, in microseconds since 1970
 */
export function momentSource(
  clock: Clock,
  random: Randomizer,
  sinceMicros: number,
): (count: number) => number[] {
  let last = clock.now() - sinceMicros
  return count => {
    clock.pass(count)
    const from = last
    const step = Math.max(clock.now() - from, count) / count
    return Array.from({ length: count }, (_, index) => {
      last = Math.max(last + 1, Math.floor(from + (index + random.next()) * step))
      return last
    })
  }
}

let knownSecond = -1
let knownText = ''

/** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC. Neighbours share a second, so its text is kept. */
export function momentText(micros: number): string {
  const second = Math.floor(micros / 1_000_000)
  if (second !== knownSecond) {
    knownSecond = second
    knownText = `${new Date(second * 1000).toISOString().slice(0, 19).replace('T', ' ')}.`
  }
  return knownText + String(1_000_000 + (micros - second * 1_000_000)).slice(1)
}
