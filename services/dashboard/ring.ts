import type { History, Marker, Point } from './shape.ts'

export const KEPT_SECONDS = 15 * 60
const MARKERS_KEPT = 200

/** The last 15 minutes by seconds. A second may be amended as long as it is kept. */
export class Ring {
  readonly #points = new Map<number, Point>()
  #markers = new Map<string, Marker>()
  #newest = 0

  /** Sets what is given of a second, and leaves what else is known of it. */
  amend(second: Partial<Point> & { t: number }): void {
    const { t } = second
    if (t <= this.#newest - KEPT_SECONDS) return
    this.#points.set(t, { ...(this.#points.get(t) ?? unknown(t)), ...second })
    if (t <= this.#newest) return
    this.#newest = t
    for (const old of this.#points.keys()) {
      if (old <= t - KEPT_SECONDS) this.#points.delete(old)
    }
  }

  /** Where nobody told anything of a second that was looked at, nothing happened. */
  fill(t: number): void {
    const { rowsIn, rowsLoaded, rowsRejected, readMs, judgeMs, loadMs, commitMs } =
      this.#points.get(t) ?? unknown(t)
    this.amend({
      t,
      rowsIn: rowsIn ?? 0,
      rowsLoaded: rowsLoaded ?? 0,
      rowsRejected: rowsRejected ?? 0,
      readMs: readMs ?? 0,
      judgeMs: judgeMs ?? 0,
      loadMs: loadMs ?? 0,
      commitMs: commitMs ?? 0,
    })
  }

  /** The same marker may be told again and again. */
  mark(marker: Marker): void {
    this.#markers.set(`${marker.kind} ${marker.t} ${marker.words}`, marker)
    const kept = [...this.#markers].filter(([, { t }]) => t > this.#newest - KEPT_SECONDS)
    this.#markers = new Map(kept.slice(-MARKERS_KEPT))
  }

  since(t: number): History {
    return {
      points: [...this.#points.values()].filter(point => point.t >= t).sort((a, b) => a.t - b.t),
      markers: [...this.#markers.values()]
        .filter(marker => marker.t >= t)
        .sort((a, b) => a.t - b.t),
    }
  }

  get all(): History {
    return this.since(0)
  }

  clear(): void {
    this.#points.clear()
    this.#markers.clear()
    this.#newest = 0
  }
}

function unknown(t: number): Point {
  return {
    ...{ t, rowsIn: null, rowsLoaded: null, rowsRejected: null },
    ...{ readMs: null, judgeMs: null, loadMs: null, commitMs: null },
    ...{ p50Ms: null, p95Ms: null, maxMs: null, filesWaiting: null, commitAgeS: null },
  }
}
