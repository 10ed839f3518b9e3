import type { Point } from '../shape.ts'
import { inBuckets } from './buckets.ts'
import { el } from './dom.ts'
import type { Kind } from './kinds.ts'
import { clock } from './moment.ts'

const ROW_SECONDS = 60
const SPAN_S = 900

/** A chart as a table: a row a minute, the newest first. */
export function fillTable(
  parent: HTMLElement,
  kind: Kind,
  points: readonly Point[],
  nowS: number,
): void {
  const { t, series } = inBuckets(points, SPAN_S, nowS, kind.lines, ROW_SECONDS)
  const key = `${t.at(-1)} ${kind.name}`
  if (parent.dataset.shown === key) return
  parent.dataset.shown = key
  const head = el('tr', '', th('Minute'), ...kind.lines.map(({ label }) => th(label)))
  const rows = t.map((middle, index) =>
    el(
      'tr',
      '',
      el('th', '', clock(middle - ROW_SECONDS / 2).slice(0, 5)),
      ...series.map(values => {
        const value = values[index]
        return el('td', '', value === null || value === undefined ? '–' : kind.format(value))
      }),
    ),
  )
  const caption = el('caption', 'unseen', `${kind.title}, ${kind.unit}`)
  parent.replaceChildren(
    el('table', '', caption, el('thead', '', head), el('tbody', '', ...rows.reverse())),
  )
}

function th(text: string): HTMLElement {
  const cell = el('th', '', text)
  cell.scope = 'col'
  return cell
}
