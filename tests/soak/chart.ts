import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Measure } from './trend.ts'
import type { Vital } from './vitals.ts'

export interface Strike {
  readonly atMs: number
  readonly name: string
  readonly family: string
}

const PANELS: [measure: Measure, title: string][] = [
  ['memoryMiB', 'Resident memory (MiB)'],
  ['descriptors', 'File descriptors'],
  ['connections', 'Connections'],
]
const FAMILIES = ['process', 'server', 'network', 'files']
const MOST_POINTS = 600
const WIDTH = 860

/** Memory, descriptors and connections of each ingestor over time, and above them the faults. As SVG. */
export async function chart(
  title: string,
  vitals: readonly Vital[],
  strikes: readonly Strike[],
): Promise<string> {
  const lastMs = Math.max(1, ...vitals.map(({ atMs }) => atMs), ...strikes.map(s => s.atMs))
  const inHours = lastMs > 2 * 3_600_000
  const time = (atMs: number) => atMs / (inHours ? 3_600_000 : 60_000)
  const x = (axis: object | null) =>
    ({
      field: 'time',
      type: 'quantitative',
      scale: { domain: [0, time(lastMs)], nice: false },
      axis,
    }) as const
  const spec = {
    title: { text: title, anchor: 'start', fontSize: 14 },
    background: 'white',
    padding: 12,
    spacing: 14,
    resolve: { scale: { color: 'independent' } },
    vconcat: [
      {
        width: WIDTH,
        height: { step: 13 },
        data: { values: strikes.map(strike => ({ ...strike, time: time(strike.atMs) })) },
        mark: { type: 'tick', thickness: 1.5, size: 10 },
        encoding: {
          x: x(null),
          y: { field: 'family', type: 'nominal', sort: FAMILIES, title: 'faults' },
          color: { value: '#b3261e' },
        },
      },
      ...PANELS.map(([measure, title], index) => ({
        width: WIDTH,
        height: index === 0 ? 190 : 110,
        data: {
          values: thinned(vitals, measure, lastMs).map(point => ({
            ...point,
            time: time(point.atMs),
          })),
        },
        mark: { type: 'line', strokeWidth: 1.2 },
        encoding: {
          x: x(
            index === PANELS.length - 1
              ? { title: inHours ? 'hours' : 'minutes', grid: true }
              : { title: null, labels: false, grid: true },
          ),
          y: { field: 'value', type: 'quantitative', title, scale: { zero: true } },
          detail: { field: 'life', type: 'nominal' },
          color: {
            field: 'ingestor',
            type: 'nominal',
            scale: { domain: [1, 2, 3, 4], range: ['#1a7f64', '#7a8b99', '#c2842f', '#6a5acd'] },
            legend: index === 0 ? { title: 'ingestor' } : null,
          },
        },
      })),
    ],
    config: { font: 'sans-serif', view: { stroke: '#ddd' }, axis: { gridColor: '#eee' } },
  }
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}

/** A process is a line of its own: where one ends the line breaks. Of each stretch its highest point. */
function thinned(vitals: readonly Vital[], measure: Measure, lastMs: number) {
  const stretchMs = lastMs / MOST_POINTS
  const highest = new Map<string, { atMs: number; value: number; ingestor: number; life: string }>()
  for (const vital of vitals) {
    const value = vital[measure]
    if (value === null) continue
    const life = `${vital.place} ${vital.pid}`
    const key = `${life} ${Math.floor(vital.atMs / stretchMs)}`
    if ((highest.get(key)?.value ?? -1) < value)
      highest.set(key, { atMs: vital.atMs, value, ingestor: vital.place, life })
  }
  return [...highest.values()]
}
