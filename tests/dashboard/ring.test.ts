import { describe, expect, test } from 'vitest'
import { inBuckets } from '../../services/dashboard/public/buckets.ts'
import { KEPT_SECONDS, Ring } from '../../services/dashboard/ring.ts'

describe('the ring of seconds', () => {
  test('keeps 15 minutes and not a second more', () => {
    const ring = new Ring()
    for (let t = 1; t <= KEPT_SECONDS + 100; t++) ring.amend({ t, rowsLoaded: t })
    const { points } = ring.all
    expect(points).toHaveLength(KEPT_SECONDS)
    expect(points[0]!.t).toBe(101)
    ring.amend({ t: 5, rowsLoaded: 5 })
    expect(ring.all.points).toHaveLength(KEPT_SECONDS)
  })

  test('amends a second with what is told late, and keeps what else is known of it', () => {
    const ring = new Ring()
    ring.amend({ t: 10, rowsIn: 7 })
    ring.fill(10)
    ring.amend({ t: 10, rowsLoaded: 3, p50Ms: 1.5 })
    expect(ring.all.points).toMatchObject([{ t: 10, rowsIn: 7, rowsLoaded: 3, p50Ms: 1.5 }])
  })

  test('gives seconds in order, whatever the order they came in', () => {
    const ring = new Ring()
    for (const t of [12, 10, 11]) ring.fill(t)
    expect(ring.since(11).points.map(({ t }) => t)).toEqual([11, 12])
  })

  test('marks a thing once, however often it is told', () => {
    const ring = new Ring()
    ring.fill(10)
    for (let n = 0; n < 3; n++) ring.mark({ t: 9.5, kind: 'restart', words: 'one' })
    expect(ring.all.markers).toHaveLength(1)
    ring.fill(10 + KEPT_SECONDS)
    ring.mark({ t: 20, kind: 'restart', words: 'two' })
    expect(ring.all.markers.map(({ words }) => words)).toEqual(['two'])
  })
})

describe('the points of a chart', () => {
  const ring = new Ring()
  for (let t = 1_000; t < 1_900; t++) ring.amend({ t, rowsLoaded: t % 10, maxMs: t })

  test('are means, or the greatest, of buckets that stand still as time goes by', () => {
    const loaded = {
      of: (point: { rowsLoaded: number | null }) => point.rowsLoaded,
      how: 'mean' as const,
    }
    const max = { of: (point: { maxMs: number | null }) => point.maxMs, how: 'most' as const }
    const at = (nowS: number) => inBuckets(ring.all.points, 900, nowS, [loaded, max])
    expect(at(1_900).seconds).toBe(10)
    expect(at(1_900).series[0]!.every(value => value === 4.5)).toBe(true)
    expect(at(1_900).series[1]!.at(-1)).toBe(1_899)
    expect(at(1_904).t).toEqual(at(1_900).t)
  })

  test('are unknown where nothing is known', () => {
    const loaded = { of: () => null, how: 'mean' as const }
    const { series } = inBuckets(ring.all.points, 60, 1_900, [loaded])
    expect(series[0]).toEqual(Array(60).fill(null))
  })
})
