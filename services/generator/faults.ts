import { awkward } from './awkward.ts'
import type { Row } from './events.ts'
import { createHistory } from './history.ts'
import { draw, type Randomizer } from './random.ts'
import { SPOILERS, type SpoilReason } from './spoilers.ts'

/** One line of a file as it is written, its end included, and what an ingestor must make of it. */
export type Line = { readonly bytes: Buffer } & (
  | { readonly verdict: 'good' | 'duplicate'; readonly row: Row }
  | { readonly verdict: 'reject'; readonly reason: SpoilReason }
)

export interface FaultRates {
  /** Share of all lines that are spoiled, 0 to 1; a quarter as many more are good but awkward. */
  badRate: number
  /** Share of all lines that repeat an earlier good line of this run byte for byte, 0 to 1. */
  duplicateRate: number
}

const AWKWARD_PER_BAD = 0.25
const REASONS = Object.keys(SPOILERS) as SpoilReason[]
const LINE_END = Buffer.from('\n')

/**
 * Decides for each row whether its line is written as it is, spoiled, or replaced by an earlier one.
 * `duplicate` and `id_conflict` are told by the order of writing: they presume that a run's files
 * are ingested in the order of their names. Whoever checks several ingestors at once takes all lines
 * of one id as a set, of which any one may be loaded.
 */
export function faultSource(
  rates: FaultRates,
  random: Randomizer,
): (row: Row, text: string) => Line {
  const history = createHistory(random)
  const nextReason = reasonDeck(random)
  const bad = rates.badRate
  const repeated = bad + rates.duplicateRate
  const odd = repeated + bad * AWKWARD_PER_BAD

  const good = (row: Row, bytes: Buffer): Line => {
    history.keep({ row, bytes })
    return { bytes, verdict: 'good', row }
  }
  return (row, text) => {
    const lot = random.next()
    if (lot >= odd) return good(row, Buffer.from(`${text}\n`))
    const earlier = history.any()
    if (lot < bad) {
      const reason = nextReason(earlier !== undefined)
      const bytes = SPOILERS[reason](row, random, earlier?.row ?? row)
      return { bytes: Buffer.concat([bytes, LINE_END]), verdict: 'reject', reason }
    }
    if (lot < repeated && earlier) {
      return { bytes: earlier.bytes, verdict: 'duplicate', row: earlier.row }
    }
    const { line, row: oddRow } = awkward(row, random)
    return good(oddRow, line)
  }
}

/**
 * Reasons dealt like cards: each comes once before any comes again, so that a short run shows them
 * all. A line over the limit weighs as much as 500 others; it is in every sixteenth deal only.
 */
function reasonDeck(random: Randomizer): (hasEarlier: boolean) => SpoilReason {
  let deals = 0
  let deck: SpoilReason[] = []
  return hasEarlier => {
    if (deck.length === 0) {
      const withLongLine = deals++ % 16 === 0
      deck = shuffled(
        REASONS.filter(reason => withLongLine || reason !== 'line_too_long'),
        random,
      )
    }
    const top = deck.pop()!
    if (top !== 'id_conflict' || hasEarlier) return top
    const instead = deck.pop() ?? 'bad_uuid'
    deck.push(top)
    return instead
  }
}

function shuffled<T>(cards: readonly T[], random: Randomizer): T[] {
  const deck = [...cards]
  for (let last = deck.length - 1; last > 0; last--) {
    const other = draw(random, 0, last)
    ;[deck[last], deck[other]] = [deck[other]!, deck[last]!]
  }
  return deck
}
