import type { Vital } from './vitals.ts'

export type Measure = 'memoryMiB' | 'descriptors' | 'connections'

export interface Trend {
  /** Of the process that lived longest. */
  readonly place: number
  readonly hours: number
  readonly median: number
  readonly most: number
  readonly slopePerHour: number
  readonly verdict: 'flat' | 'growing' | 'too short to tell'
}

/** A young process fills its caches and its heap. */
const WARM_UP_MS = 3 * 60_000
const LONG_ENOUGH_MS = 20 * 60_000
/** What the last quarter may have more than the first, of its median. */
const FLAT_SHARE = 0.05
/** Below this, in MiB or in pieces, a difference is noise. */
const FLAT_LEAST = 3

/**
 * How a measure moved over the longest life. The slope is that of the least squares; flat is what
 * has, in the median of its last quarter, no more than a twentieth above that of its first.
 */
export function trendOf(vitals: readonly Vital[], measure: Measure): Trend | null {
  const life = longestLife(vitals)
  const points = life.flatMap(vital => {
    const value = vital[measure]
    return value === null ? [] : [{ atMs: vital.atMs, value }]
  })
  if (points.length < 8) return null
  const livedMs = points.at(-1)!.atMs - points[0]!.atMs
  const warmMs = points[0]!.atMs + Math.min(WARM_UP_MS, livedMs / 5)
  const warm = points.filter(({ atMs }) => atMs >= warmMs)
  const values = warm.map(({ value }) => value)
  const quarter = Math.max(1, Math.floor(values.length / 4))
  const [first, last] = [median(values.slice(0, quarter)), median(values.slice(-quarter))]
  const flat = last - first <= Math.max(first * FLAT_SHARE, FLAT_LEAST)
  return {
    place: life[0]!.place,
    hours: livedMs / 3_600_000,
    median: median(values),
    most: Math.max(...values),
    slopePerHour: slope(warm) * 3_600_000,
    verdict: livedMs < LONG_ENOUGH_MS ? 'too short to tell' : flat ? 'flat' : 'growing',
  }
}

function longestLife(vitals: readonly Vital[]): Vital[] {
  const lives = Map.groupBy(vitals, ({ place, pid }) => `${place} ${pid}`)
  const livedMs = (life: readonly Vital[]) => life.at(-1)!.atMs - life[0]!.atMs
  return [...lives.values()].sort((a, b) => livedMs(b) - livedMs(a))[0] ?? []
}

function slope(points: readonly { atMs: number; value: number }[]): number {
  const mean = (of: (point: { atMs: number; value: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(({ atMs }) => atMs), mean(({ value }) => value)]
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - x) ** 2, 0)
  const together = points.reduce((sum, { atMs, value }) => sum + (atMs - x) * (value - y), 0)
  return spread === 0 ? 0 : together / spread
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The nearest rank: one of the values themselves. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
