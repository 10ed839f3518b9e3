import { randomFrom } from '../services/generator/random.ts'
import { SPOILERS, type SpoilReason } from '../services/generator/spoilers.ts'

/**
 * Left out of the generator's ways to spoil a line: `id_conflict`, which is a duplicate's affair and
 * measured with them, and `line_too_long`, one of which weighs as much as 500 rows.
 */
const REASONS = (Object.keys(SPOILERS) as SpoilReason[]).filter(
  reason => reason !== 'id_conflict' && reason !== 'line_too_long',
)

const random = randomFrom(1, 'faults')

export const SPOILED_EVERY = 10

/** A tenth of the lines, evenly spread; never the header, which is line 1. */
export function isSpoiled(lineNo: number): boolean {
  return lineNo % SPOILED_EVERY === 0
}

/** Each reason in turn. */
export function spoil(line: string, lineNo: number): string {
  const reason = REASONS[(lineNo / SPOILED_EVERY) % REASONS.length]!
  const row = line.split(',')
  return SPOILERS[reason](row, random, row).toString('latin1')
}
