import type { Point, Status } from '../shape.ts'
import { byId, el, setAttribute, setText, svg } from './dom.ts'
import { age, bytes, count, duration, percent, short } from './words.ts'

interface Shown {
  value: string
  under: string
  line: (number | null)[]
}

interface Tile {
  element: HTMLElement
  value: HTMLElement
  under: HTMLElement
  path: SVGElement
  area: SVGElement
}

const WIDTH = 160
const HEIGHT = 36
const SLICES = 80

const tiles = new Map<string, Tile>()

/** Six numbers, each with its last 15 minutes. */
export function showTiles({ seen, nowMs }: Status, points: readonly Point[]): void {
  if (!seen) return
  const { totals, rates } = seen
  const fresh = rates.freshness
  const allRates = rates.rowsLoaded + rates.rowsDuplicate + rates.rowsRejected
  const commitAgeMs = totals.lastCommitAtMs === null ? null : nowMs - totals.lastCommitAtMs
  const oldest = totals.oldestWaitingAtMs
  const left = totals.filesWaiting + totals.filesInWork
  const sliced = (of: (point: Point) => number | null, how: How) => slices(points, of, how)
  tile('in', 'Arriving', 'in', {
    value: `${short(rates.rowsIn)} rows/s`,
    under: `${bytes(rates.bytesIn)}/s`,
    line: sliced(point => point.rowsIn, mean),
  })
  tile('load', 'Loading', 'loaded', {
    value: `${short(rates.rowsLoaded)} rows/s`,
    under: `${short(rates.filesDone)} files/s done`,
    line: sliced(point => point.rowsLoaded, mean),
  })
  tile('fresh', 'Freshness', 'loaded', {
    value: fresh ? duration(fresh.p50Ms) : '–',
    under: fresh ? `p95 ${duration(fresh.p95Ms)}` : 'no file in the last minute',
    line: sliced(point => point.p95Ms, most),
  })
  tile('backlog', 'Backlog', 'in', {
    value: count(left, 'file'),
    under:
      oldest === null || left === 0
        ? 'nothing waits'
        : `${bytes(totals.bytesWaiting + totals.bytesInWork)}, oldest ${age(nowMs - oldest)}`,
    line: sliced(point => point.filesWaiting, most),
  })
  tile('rejects', 'Reject share', 'rejected', {
    value: percent(allRates === 0 ? 0 : rates.rowsRejected / allRates),
    under: `${percent(totals.rowsRead === 0 ? 0 : totals.rowsRejected / totals.rowsRead)} of all rows`,
    line: sliced(rejectShare, most),
  })
  tile('commit', 'Last commit', 'loaded', {
    value: commitAgeMs === null ? '–' : age(commitAgeMs),
    under: commitAgeMs === null ? 'none yet' : 'ago',
    line: sliced(point => point.commitAgeS, most),
  })
}

function rejectShare({ rowsLoaded, rowsRejected }: Point): number | null {
  if (rowsLoaded === null || rowsRejected === null) return null
  const rows = rowsLoaded + rowsRejected
  return rows === 0 ? 0 : rowsRejected / rows
}

type How = (values: number[]) => number

const mean: How = values => values.reduce((sum, value) => sum + value, 0) / values.length
const most: How = values => Math.max(...values)

function slices(
  points: readonly Point[],
  of: (point: Point) => number | null,
  how: How,
): (number | null)[] {
  const newest = points.at(-1)?.t ?? 0
  const from = newest - 900
  const held: number[][] = Array.from({ length: SLICES }, () => [])
  for (const point of points) {
    const value = of(point)
    const slice = Math.floor(((point.t - from - 1) / 900) * SLICES)
    if (value !== null) held[slice]?.push(value)
  }
  return held.map(values => (values.length === 0 ? null : how(values)))
}

function tile(name: string, label: string, colour: string, shown: Shown): void {
  const made = tiles.get(name) ?? make(name, label, colour)
  setText(made.value, shown.value)
  setText(made.under, shown.under)
  const line = lineOf(shown.line)
  setAttribute(made.path, 'd', line)
  setAttribute(made.area, 'd', line === '' ? '' : `${line}V${HEIGHT}H${firstX(shown.line)}Z`)
}

function lineOf(values: (number | null)[]): string {
  const top = Math.max(...values.map(value => value ?? 0), 1e-9)
  let path = ''
  values.forEach((value, index) => {
    if (value === null) return
    const y = (HEIGHT - 2 - (value / top) * (HEIGHT - 6)).toFixed(1)
    path += `${path === '' ? 'M' : 'L'}${xOf(index)} ${y}`
  })
  return path
}

function firstX(values: (number | null)[]): string {
  return xOf(values.findIndex(value => value !== null))
}

function xOf(index: number): string {
  return ((index / (SLICES - 1)) * WIDTH).toFixed(1)
}

function make(name: string, label: string, colour: string): Tile {
  const value = el('strong', 'value')
  const under = el('span', 'under')
  const area = svg('path', { class: 'area' })
  const path = svg('path', { class: 'path' })
  const spark = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
    class: 'spark',
  })
  spark.append(area, path)
  const element = el('div', 'tile', el('span', 'label', label), value, under, spark)
  element.dataset.tile = name
  element.dataset.colour = colour
  byId('tiles').append(element)
  const made = { element, value, under, path, area }
  tiles.set(name, made)
  return made
}
