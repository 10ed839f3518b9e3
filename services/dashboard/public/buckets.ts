import type { Point } from '../shape.ts'

/** A chart has about as many points, whatever its span. */
const BUCKETS = 90

/** Points of a chart: each the mean, or the greatest, of some seconds. */
export interface Buckets {
  seconds: number
  /** The middle of each, in seconds since 1970. */
  t: number[]
  series: (number | null)[][]
}

export type Series = { of: (point: Point) => number | null; how: 'mean' | 'middle' | 'most' }

/** Buckets begin at multiples of their length, so that a point does not change as time goes by. */
export function inBuckets(
  points: readonly Point[],
  spanS: number,
  nowS: number,
  series: readonly Series[],
  seconds = Math.max(1, Math.round(spanS / BUCKETS)),
): Buckets {
  const last = Math.floor(nowS / seconds)
  const first = last - Math.ceil(spanS / seconds)
  const held: Point[][] = Array.from({ length: last - first }, () => [])
  // The bucket that is not over yet is left out: it would only ever grow.
  for (const point of points) held[Math.floor(point.t / seconds) - first]?.push(point)
  return {
    seconds,
    t: held.map((_, index) => (first + index + 0.5) * seconds),
    series: series.map(({ of, how }) => held.map(bucket => summed(bucket.map(of), how))),
  }
}

function summed(values: (number | null)[], how: Series['how']): number | null {
  const known = values.filter(value => value !== null).sort((a, b) => a - b)
  if (known.length === 0) return null
  if (how === 'most') return known.at(-1)!
  if (how === 'middle') return known[known.length >> 1]!
  return known.reduce((sum, value) => sum + value, 0) / known.length
}
