import type { Rates, Totals } from './shape.ts'

export interface Moment {
  nowMs: number
  totals: Totals
}

/** Rates are those of so many seconds: a file every few seconds is a trickle, not a flicker. */
const WINDOW_MS = 10_000
const TREND_MS = 3_000
/** Bytes of a row of the generator, for as long as no row was read. */
const GUESSED_ROW_BYTES = 105

/** Remembers the moments of the last seconds. */
export class RateWindow {
  #moments: Moment[] = []

  add(moment: Moment): void {
    this.#moments = [
      ...this.#moments.filter(({ nowMs }) => nowMs > moment.nowMs - WINDOW_MS - 500),
      moment,
    ]
  }

  clear(): void {
    this.#moments = []
  }

  /** The moment before the newest. */
  get before(): Moment | null {
    return this.#moments.at(-2) ?? null
  }

  get rates(): Omit<Rates, 'freshness'> {
    const newest = this.#moments.at(-1)!
    const lately = this.#moments.find(({ nowMs }) => nowMs > newest.nowMs - TREND_MS - 500)!
    const { bytesIn, bytesRead } = ratesBetween(lately, newest)
    return { ...ratesBetween(this.#moments[0]!, newest), trend: { bytesIn, bytesRead } }
  }
}

/** Rows that have arrived but were never read are estimated from their bytes. */
export function ratesBetween(from: Moment, to: Moment): Omit<Rates, 'freshness' | 'trend'> {
  const seconds = (to.nowMs - from.nowMs) / 1000
  const of = (count: (totals: Totals) => number) =>
    seconds <= 0 ? 0 : Math.max(0, (count(to.totals) - count(from.totals)) / seconds)
  const bytesIn = of(({ bytesFound }) => bytesFound)
  return {
    rowsIn: bytesIn / rowBytes(to.totals),
    rowsLoaded: of(({ rowsLoaded }) => rowsLoaded),
    rowsDuplicate: of(({ rowsDuplicate }) => rowsDuplicate),
    rowsRejected: of(({ rowsRejected }) => rowsRejected),
    bytesIn,
    bytesRead: of(({ bytesRead }) => bytesRead),
    filesIn: of(({ filesFound }) => filesFound),
    filesDone: of(({ filesDone }) => filesDone),
  }
}

export function rowBytes({ bytesRead, rowsRead }: Totals): number {
  return rowsRead === 0 ? GUESSED_ROW_BYTES : bytesRead / rowsRead
}
