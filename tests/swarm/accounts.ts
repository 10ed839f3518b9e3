import { expect } from 'vitest'
import { breaches } from '../support/checker.ts'
import { until } from '../support/until.ts'
import type { Stack } from './stack.ts'
import type { Stream } from './stream.ts'

const DRAIN_MS = 150_000

/** Waits until all that was written is loaded and archived. */
export async function drained(stack: Stack, stream: Stream): Promise<void> {
  await until(
    `${stream.files.length} files to be done and archived`,
    async () => {
      const found = await stack.attempt<{ done: number }>(
        `select count(*)::integer as done from ingest_files where status = 'done' and archived_at is not null`,
      )
      return found?.[0]?.done === stream.files.length
    },
    DRAIN_MS,
  )
}

/** All that was ever written is there, each row once, and every byte is accounted for. */
export async function allAccountedFor(stack: Stack, stream: Stream): Promise<number> {
  await drained(stack, stream)
  expect(await breaches({ database: stack, folders: stack.folders, files: stream.files })).toEqual(
    [],
  )
  return stream.files.reduce((sum, { lines }) => sum + lines.length, 0)
}

/** Waits until rows arrive that were not there before. */
export async function rowsArrive(stack: Stack, deadlineMs = 60_000): Promise<void> {
  const count = 'select count(*)::integer as n from user_activity'
  let before: number | undefined
  await until(
    'more rows',
    async () => {
      const now = (await stack.attempt<{ n: number }>(count))?.[0]?.n
      if (now === undefined) return false
      before ??= now
      return now > before
    },
    deadlineMs,
  )
}
