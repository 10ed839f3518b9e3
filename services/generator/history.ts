import type { Row } from './events.ts'
import { draw, type Randomizer } from './random.ts'

const KEPT = 4096

export interface Written {
  readonly row: Row
  readonly bytes: Buffer
}

export interface History {
  keep(written: Written): void
  any(): Written | undefined
}

/**
 * A fair sample of all good lines so far (reservoir sampling, Vitter's algorithm R): what is
 * repeated may lie a moment or many files back, and memory stays the same.
 */
export function createHistory(random: Randomizer): History {
  const sample: Written[] = []
  let seen = 0
  return {
    keep(written) {
      seen++
      if (sample.length < KEPT) {
        sample.push(written)
      } else {
        const at = draw(random, 0, seen - 1)
        if (at < KEPT) sample[at] = written
      }
    },
    any: () => (sample.length === 0 ? undefined : sample[draw(random, 0, sample.length - 1)]),
  }
}
