import type { Verdict } from './question.ts'
import type { Results } from './results.ts'

const MOST_MB = 200

/** Sides that are not the ingestor. */
const PEER_OR_GENERATOR = /^(psql|pgloader|pandas|Spark|Telegraf|generator)/

/** The ingestor's memory over all questions; none where none was measured. */
export function memoryVerdict(results: Results): Verdict | undefined {
  const values = Object.values(results)
    .flatMap(({ sides }) => sides)
    .filter(({ name }) => !PEER_OR_GENERATOR.test(name))
    .flatMap(({ samples }) => samples.flatMap(({ memoryMb }) => memoryMb ?? []))
  if (values.length === 0) return undefined
  const max = Math.max(...values)
  return {
    what: 'the most of all',
    goal: { at: 'most', value: MOST_MB },
    unit: 'MB',
    ...{ value: max, min: Math.min(...values), max },
  }
}
