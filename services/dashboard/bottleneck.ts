import { percent } from './public/words.ts'
import type { Bottleneck, Ingestor, Point, Totals } from './shape.ts'

/** Below this share of the time nothing is the wall. */
const BUSY = 0.25
/** What has waited for less is only passing through. */
const LATE_MS = 2_000

/**
 * What everything else waits for: only where something does. Reading and judging are one thread of
 * each ingestor; loading and committing are the database's.
 * @param lately the seconds of late
 */
export function bottleneckOf(
  { oldestWaitingAtMs }: Totals,
  ingestors: readonly Ingestor[],
  lately: readonly Point[],
  nowMs: number,
): Bottleneck | null {
  if (oldestWaitingAtMs === null || nowMs - oldestWaitingAtMs < LATE_MS) return null
  const working = ingestors.filter(({ state }) => state === 'working').length
  if (working === 0) return { at: 'waiting', words: 'no ingestor takes files' }
  const spent = (of: (point: Point) => number | null) =>
    lately.reduce((sum, point) => sum + (of(point) ?? 0), 0)
  const wallMs = lately.length * 1000
  if (wallMs === 0) return null
  const judging = (spent(p => p.readMs) + spent(p => p.judgeMs)) / wallMs / working
  const storing = (spent(p => p.loadMs) + spent(p => p.commitMs)) / wallMs / working
  if (Math.max(judging, storing) < BUSY) return null
  return judging > storing
    ? { at: 'work', words: `ingestors read and judge ${percent(Math.min(1, judging))} of the time` }
    : { at: 'loaded', words: `PostgreSQL stores ${percent(Math.min(1, storing))} of the time` }
}
