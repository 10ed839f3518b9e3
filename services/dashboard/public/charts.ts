import type { Marker, Point } from '../shape.ts'
import { type Buckets, inBuckets } from './buckets.ts'
import { byId, el, setAttribute, setText } from './dom.ts'
import { KINDS, type Kind } from './kinds.ts'
import { clock } from './moment.ts'
import { type Plot, plot } from './plot.ts'
import { fillTable } from './table.ts'

interface Chart {
  kind: Kind
  figure: HTMLElement
  canvas: HTMLElement
  values: HTMLElement[]
  at: HTMLElement
  table: HTMLElement
  plot: Plot | null
  buckets: Buckets | null
}

const charts: Chart[] = []
let cursorAt: number | null = null

/** Three charts of the same minutes; the cursor of one is the cursor of all. */
export function buildCharts(): void {
  for (const kind of KINDS) charts.push(build(kind))
  new ResizeObserver(() => {
    for (const chart of charts) chart.plot?.resize(chart.canvas.clientWidth)
  }).observe(byId('charts'))
}

export function showCharts(
  points: readonly Point[],
  markers: Marker[],
  spanS: number,
  nowS: number,
): void {
  for (const chart of charts) {
    const { kind } = chart
    chart.buckets = inBuckets(points, spanS, nowS, kind.lines)
    const { t, series } = chart.buckets
    chart.plot ??= plot(kind, chart.canvas, index => {
      cursorAt = index
      for (const each of charts) showValues(each)
    })
    chart.plot.set(t, series, [nowS - spanS, nowS], markers)
    showValues(chart)
    if (!chart.table.hidden) fillTable(chart.table, kind, points, nowS)
  }
}

/** After the colours have changed. */
export function repaintCharts(): void {
  for (const chart of charts) {
    chart.plot?.destroy()
    chart.plot = null
  }
}

// Under the cursor, else the newest.
function showValues({ kind, buckets, values, at, figure }: Chart): void {
  if (!buckets) return
  const index = cursorAt ?? buckets.t.length - 1
  kind.lines.forEach((_, line) => {
    const value = buckets.series[line]![index]
    setText(values[line]!, value === null || value === undefined ? '–' : kind.format(value))
  })
  const length = buckets.seconds === 1 ? '' : `, ${buckets.seconds} s each`
  setText(at, cursorAt === null ? `${kind.unit}${length}` : `at ${clock(buckets.t[index] ?? 0)}`)
  const said = kind.lines.map(({ label }, line) => `${label} ${values[line]!.textContent}`)
  setAttribute(figure, 'aria-label', `${kind.title}: ${said.join(', ')}`)
}

function build(kind: Kind): Chart {
  const values = kind.lines.map(() => el('b'))
  const legend = el('ul', 'legend')
  kind.lines.forEach(({ label, colour }, index) => {
    const key = el('i', 'key')
    key.dataset.colour = colour.slice(2)
    legend.append(el('li', '', key, label, ' ', values[index]!))
  })
  const toggle = el('button', 'quiet', 'Table')
  toggle.type = 'button'
  const at = el('span', 'at')
  const canvas = el('div', 'canvas')
  canvas.setAttribute('role', 'img')
  const table = el('div', 'scroll as-table')
  table.hidden = true
  table.tabIndex = 0
  table.id = `table-${kind.name}`
  toggle.setAttribute('aria-controls', table.id)
  toggle.setAttribute('aria-expanded', 'false')
  toggle.setAttribute('aria-label', `${kind.title} as a table`)
  toggle.addEventListener('click', () => {
    table.hidden = !table.hidden
    canvas.hidden = !table.hidden
    toggle.setAttribute('aria-expanded', String(!table.hidden))
    dispatchEvent(new Event('repaint'))
  })
  const figure = el(
    'figure',
    'chart',
    el('figcaption', '', el('h3', '', kind.title), at, legend, toggle),
    canvas,
    table,
  )
  figure.dataset.chart = kind.name
  byId('charts').append(figure)
  return { kind, figure: canvas, canvas, values, at, table, plot: null, buckets: null }
}
