import type { Marker } from '../shape.ts'
import { byId, el, foreign } from './dom.ts'
import { clock } from './moment.ts'

const SHOWN = 6

const WORDS: Record<Marker['kind'], string> = {
  restart: 'started',
  stop: 'stopped',
  takeover: 'takeover',
  refused: 'refused',
  parked: 'parked',
  outage: 'database away',
}

let shown = ''

/** The dashed lines of the charts, in words, the newest first. */
export function showMarkers(markers: readonly Marker[]): void {
  const newest = markers.slice(-SHOWN).reverse()
  const key = JSON.stringify(newest)
  if (key === shown) return
  shown = key
  byId('markers').replaceChildren(
    ...newest.map(({ t, kind, words }) => {
      const item = el('li', '', el('time', '', clock(t)), el('b', '', WORDS[kind]), foreign(words))
      item.dataset.kind = kind
      return item
    }),
  )
}
