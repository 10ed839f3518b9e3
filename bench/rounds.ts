import type { Goal, Measured, Sample, Side, Verdict } from './question.ts'

/**
 * Runs the sides one after the other, as often as there are rounds, every second round backwards: a
 * machine that slows down or speeds up does so for all of them.
 */
export async function inTurn(
  sides: readonly Side[],
  rounds: number,
  say: (line: string) => void,
): Promise<Measured[]> {
  const measured = sides.map(({ name }) => ({ name, samples: [] as Sample[] }))
  for (let round = 0; round < rounds; round += 1) {
    const order = [...sides.keys()]
    for (const index of round % 2 === 0 ? order : order.reverse()) {
      const side = sides[index]!
      const sample = await side.run()
      measured[index]!.samples.push(sample)
      say(`  round ${round + 1}: ${side.name}: ${shownSample(sample)}`)
    }
  }
  return measured
}

export type Of = (sample: Sample) => number

export const itsValue: Of = ({ value }) => value
export const also =
  (name: string): Of =>
  sample =>
    sample.also![name]!

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** `fraction` of the values lie at or below it (nearest rank). */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)]!
}

export function medianOf({ samples }: Measured, of: Of = itsValue): number {
  return median(samples.map(of))
}

/** Median over median; the spread is that of the rounds, each over its own. */
export function ratio(
  what: string,
  goal: Goal,
  [over, overOf = itsValue]: [Measured, Of?],
  [under, underOf = itsValue]: [Measured, Of?],
): Verdict {
  const each = over.samples.map(
    (sample, round) => overOf(sample) / underOf(under.samples[round] ?? under.samples.at(-1)!),
  )
  const value = medianOf(over, overOf) / medianOf(under, underOf)
  return { what, goal, unit: 'times', value, min: Math.min(...each), max: Math.max(...each) }
}

export function figure(
  what: string,
  goal: Goal,
  unit: Verdict['unit'],
  measured: Measured,
  of: Of = itsValue,
): Verdict {
  const each = measured.samples.map(of)
  return { what, goal, unit, value: median(each), min: Math.min(...each), max: Math.max(...each) }
}

export function isReached({ goal, value }: Verdict): boolean {
  return goal.at === 'least' ? value >= goal.value : value <= goal.value
}

function shownSample({ value, memoryMb, also }: Sample): string {
  const shown = (number: number) => Number(number.toPrecision(4))
  return [
    shown(value),
    ...Object.entries(also ?? {}).map(([name, number]) => `${name} ${shown(number)}`),
    ...(memoryMb === undefined ? [] : [`${Math.round(memoryMb)} MB`]),
  ].join(', ')
}
