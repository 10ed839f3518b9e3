import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from './stand.ts'

/** Past this, something is broken and no latency. */
const DEADLINE_MS = 60_000

/** Sees rows appear in `user_activity`, by asking for them over and over on one open connection. */
export interface Watch {
  /** Starts the clock of a row. */
  expect(eventId: string): void
  /** Waits for those that are still expected. @returns how long each took, in ms, in their order */
  stop(): Promise<number[]>
}

/** @param pauseMs between two looks: 0 is as tight as can be, more leaves the cores to the load */
export async function watchFor(database: Database, pauseMs: number): Promise<Watch> {
  const client = await database.connect()
  const expected = new Map<string, number>()
  const tookMs = new Map<string, number>()
  let stopping = false

  async function look(): Promise<void> {
    const { rows } = await client.query({
      name: 'look',
      text: 'select event_id from user_activity where event_id = any($1::uuid[])',
      values: [[...expected.keys()]],
    })
    const nowMs = performance.now()
    for (const { event_id: id } of rows) {
      tookMs.set(id, nowMs - expected.get(id)!)
      expected.delete(id)
    }
    const [first] = expected.values()
    if (first !== undefined && nowMs - first > DEADLINE_MS) {
      throw new Error(`a row is not visible ${DEADLINE_MS} ms after its file was there`)
    }
  }

  const watching = (async () => {
    while (!stopping || expected.size > 0) {
      if (expected.size === 0) await sleep(1)
      else {
        await look()
        if (pauseMs > 0) await sleep(pauseMs)
      }
    }
  })()
  watching.catch(() => undefined)
  const order: string[] = []
  return {
    expect(eventId) {
      order.push(eventId)
      expected.set(eventId, performance.now())
    },
    async stop() {
      stopping = true
      await watching.finally(() => client.end())
      return order.map(id => tookMs.get(id)!)
    },
  }
}
