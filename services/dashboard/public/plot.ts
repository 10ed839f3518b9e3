import uPlot from 'uplot'
import type { Marker } from '../shape.ts'
import type { Kind } from './kinds.ts'
import { minutes } from './moment.ts'

const HEIGHT = 160
const SYNC = 'time'

export interface Plot {
  set(t: number[], series: (number | null)[][], range: [number, number], markers: Marker[]): void
  resize(width: number): void
  destroy(): void
}

/** One canvas. Made anew when the colours change: uPlot reads them once. */
export function plot(
  kind: Kind,
  parent: HTMLElement,
  onCursor: (index: number | null) => void,
): Plot {
  const colour = (name: string) => colourOf(name, parent)
  let range: [number, number] = [0, 1]
  let markers: Marker[] = []
  const lines = kind.lines.map(line => ({ ...line, stroke: colour(line.colour) }))
  // What is stacked is painted from the highest down, each over the one before.
  const painted = kind.shape === 'stacked' ? [...lines].reverse() : lines
  const axis = {
    stroke: colour('--faint'),
    font: `11px ${getComputedStyle(parent).fontFamily}`,
    ticks: { show: false },
  }
  const chart = new uPlot(
    {
      width: parent.clientWidth,
      height: HEIGHT,
      padding: [10, 0, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: SYNC, setSeries: false },
        points: { size: 7 },
        drag: { x: false, y: false },
        y: false,
      },
      scales: {
        x: { time: true, range: () => range },
        y: kind.log
          ? { distr: 3, range: (_, low, high) => logRange(low, high) }
          : { range: (_, __, high) => [0, Math.max(high * 1.12, 1)] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 90, size: 28, values: (_, at) => at.map(minutes) },
        {
          ...axis,
          size: 62,
          gap: 10,
          grid: {
            stroke: colour('--rule'),
            width: 1,
            ...(kind.log ? { filter: (_, at) => at.map(decadeOnly) } : {}),
          },
          ...(kind.log ? { filter: (_, at) => at.map(decadeOnly) } : {}),
          space: kind.log ? 26 : 34,
          values: (_, at) => at.map(value => (value === null ? '' : kind.format(value))),
        },
      ],
      series: [
        {},
        ...painted.map(({ label, stroke }) => ({
          label,
          stroke,
          width: kind.shape === 'stacked' ? 0 : 1.75,
          points: { show: false },
          spanGaps: kind.log,
          ...(kind.shape === 'stacked' ? { fill: stroke } : {}),
        })),
      ],
      hooks: {
        setCursor: [({ cursor }) => onCursor(cursor.idx ?? null)],
        drawClear: [drawMarkers],
      },
    },
    [[], ...painted.map(() => [])],
    parent,
  )

  function drawMarkers({ ctx, bbox, valToPos }: uPlot): void {
    const ratio = devicePixelRatio
    ctx.save()
    ctx.lineWidth = ratio
    ctx.setLineDash([3 * ratio, 3 * ratio])
    for (const { t, kind } of markers) {
      if (t < range[0] || t > range[1]) continue
      const x = Math.round(valToPos(t, 'x', true))
      ctx.strokeStyle = colour(kind === 'restart' || kind === 'stop' ? '--faint' : '--rejected')
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
    }
    ctx.restore()
  }

  return {
    set(t, series, newRange, newMarkers) {
      range = newRange
      markers = newMarkers
      const shown = kind.shape === 'stacked' ? stacked(series).reverse() : series
      chart.setData([t, ...shown])
    },
    resize: width => chart.setSize({ width, height: HEIGHT }),
    destroy: () => chart.destroy(),
  }
}

/** A colour of the style sheet as the browser resolves it: light or dark. */
function colourOf(name: string, within: HTMLElement): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  within.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** Each series on top of those before it. */
function stacked(series: (number | null)[][]): (number | null)[][] {
  const sums: (number | null)[][] = []
  for (const values of series) {
    const below = sums.at(-1)
    sums.push(values.map((value, i) => (value === null ? null : value + (below?.[i] ?? 0))))
  }
  return sums
}

function decadeOnly(value: number | null): number | null {
  return value !== null && Math.log10(value) % 1 === 0 ? value : null
}

function logRange(low: number | null, high: number | null): [number, number] {
  const power = (value: number, round: (x: number) => number) => 10 ** round(Math.log10(value))
  const bottom = power(Math.max(1, low ?? 1), Math.floor)
  return [bottom, Math.max(bottom * 100, power(Math.max(1, high ?? 1), Math.ceil))]
}
