import { expect, test } from 'vitest'
import { createPace, type Pace } from '../../services/generator/pace.ts'

/** Runs a pace on a clock that the test moves: waiting costs real time only up to 1 ms a step. */
async function dueTimes(pace: Pace, workMs: readonly number[], events: number) {
  let nowMs = 0
  const clock = () => {
    nowMs += 0.5
    return nowMs
  }
  const turn = createPace(pace, new AbortController().signal, clock)
  const times: number[] = []
  for (const [index, work] of workMs.entries()) {
    await turn(index === 0 ? 0 : events)
    times.push(nowMs)
    nowMs += work
  }
  return times
}

test('files are due from the one before, whatever the work costs: no drift', async () => {
  const times = await dueTimes({ intervalMs: 20 }, [3, 11, 1, 7, 5], 100)
  for (const [index, time] of times.entries()) expect(Math.abs(time - index * 20)).toBeLessThan(4)
})

test('a rate turns the size of a file into the time until the next', async () => {
  const times = await dueTimes({ eventsPerSecond: 5000 }, [1, 1, 1, 1], 50)
  for (const [index, time] of times.entries()) expect(Math.abs(time - index * 10)).toBeLessThan(4)
})

test('a short delay is caught up, a long one is forgotten', async () => {
  const short = await dueTimes({ intervalMs: 20 }, [50, 1, 1, 1], 1)
  expect(short.at(-1)! - 60).toBeLessThan(4)
  const long = await dueTimes({ intervalMs: 20 }, [60_000, 1, 1], 1)
  expect(long[2]! - long[1]!).toBeGreaterThan(15)
})

test('a stop ends the wait at once', async () => {
  const stop = new AbortController()
  const turn = createPace({ intervalMs: 3_600_000 }, stop.signal)
  await turn(0)
  const waiting = turn(1)
  stop.abort()
  await waiting
})
