import { expect, test } from 'vitest'
import { Doorbell } from '../../services/ingestor/doorbell.ts'

const never = new AbortController().signal
const LONG_MS = 60_000

/** Who has been woken so far, once all that is under way has been told. */
async function woken(waits: readonly Promise<void>[]): Promise<boolean[]> {
  const heard = waits.map(() => false)
  for (const [index, wait] of waits.entries()) void wait.then(() => (heard[index] = true))
  await new Promise(setImmediate)
  return heard
}

test('a ring for one wakes one, the next ring another', async () => {
  const bell = new Doorbell()
  const waits = [bell.wait(LONG_MS, never), bell.wait(LONG_MS, never)]
  bell.ringOne()
  expect(await woken(waits)).toEqual([true, false])
  bell.ringOne()
  expect(await woken(waits)).toEqual([true, true])
})

test('two rings for one at the same moment wake two', async () => {
  const bell = new Doorbell()
  const waits = [bell.wait(LONG_MS, never), bell.wait(LONG_MS, never)]
  bell.ringOne()
  bell.ringOne()
  expect(await woken(waits)).toEqual([true, true])
})

test('a ring that nobody waited for is kept for the next who does', async () => {
  const bell = new Doorbell()
  bell.ringOne()
  expect(await woken([bell.wait(LONG_MS, never)])).toEqual([true])
  const later = bell.wait(LONG_MS, never)
  expect(await woken([later])).toEqual([false])
  bell.ring()
  expect(await woken([later])).toEqual([true])
})
