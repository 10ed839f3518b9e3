import type { Marker, Point, Setup, Status, Tick } from '../shape.ts'
import { buildCharts, repaintCharts, showCharts } from './charts.ts'
import { choice } from './choice.ts'
import { byId, setAttribute, setText } from './dom.ts'
import { showFiles, showIngestors } from './files.ts'
import { showFlow } from './flow.ts'
import { showIntegrity } from './integrity.ts'
import { showMarkers } from './markers.ts'
import { showNext } from './next.ts'
import { showRejects } from './rejects.ts'
import { listen } from './stream.ts'
import { showTiles } from './tiles.ts'
import { showLineLost, showVerdict } from './verdict.ts'

const KEPT_SECONDS = 15 * 60

let status: Status | null = null
let points = new Map<number, Point>()
let markers = new Map<string, Marker>()

buildCharts()
const span = choice('span', '900', repaint)
const setupBy = choice('setup', 'npm', repaint)
choice('theme', 'auto', theme => {
  if (theme === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  repaintCharts()
  repaint()
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  repaintCharts()
  repaint()
})
addEventListener('repaint', repaint)

listen({
  onAll(tick) {
    points = new Map()
    markers = new Map()
    setupBy.suggest(tick.status.setup.by)
    take(tick)
  },
  onTick: take,
  onLine(state) {
    setAttribute(byId('line'), 'data-state', state)
    setText(byId('line'), state === 'live' ? 'live' : 'reconnecting')
    if (state === 'lost') showLineLost()
  },
})

function take(tick: Tick): void {
  status = tick.status
  for (const point of tick.points) points.set(point.t, point)
  for (const marker of tick.markers)
    markers.set(`${marker.kind} ${marker.t} ${marker.words}`, marker)
  const oldest = status.nowMs / 1000 - KEPT_SECONDS
  for (const t of points.keys()) if (t < oldest) points.delete(t)
  for (const [key, { t }] of markers) if (t < oldest) markers.delete(key)
  repaint()
}

// While nobody looks nothing is drawn; what came meanwhile is there at once afterwards.
document.addEventListener('visibilitychange', repaint)

function repaint(): void {
  if (!status || document.hidden) return
  const { seen, nowMs } = status
  const setup: Setup = { ...status.setup, by: setupBy.value as Setup['by'] }
  showVerdict(status)
  showNext(setup)
  if (!seen) return
  const inOrder = [...points.values()].sort((a, b) => a.t - b.t)
  const marked = [...markers.values()].sort((a, b) => a.t - b.t)
  showFlow(seen)
  showTiles(status, inOrder)
  showCharts(inOrder, marked, Number(span.value), nowMs / 1000)
  showMarkers(marked)
  showFiles(seen, nowMs)
  showIngestors(seen)
  showRejects(seen, setup)
  showIntegrity(status)
}
