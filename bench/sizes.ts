/** How much is measured. Goals are about the full sizes; quick ones show that the bench works. */
export interface Sizes {
  readonly rounds: number
  readonly rows: number
  /** Files of the three backlogs. */
  readonly backlogs: readonly [number, number, number]
  readonly latencySeconds: number
  /** The file that is held against one of 100 MB for memory. */
  readonly largeBytes: number
}

const GIGABYTE = 1e9

export interface SizeFlags {
  readonly rounds?: number
  readonly rows?: number
  readonly quick: boolean
  readonly large: boolean
}

export function sizesOf({ rounds, rows, quick, large }: SizeFlags): Sizes {
  const base: Sizes = quick
    ? {
        rounds: 2,
        rows: 50_000,
        backlogs: [100, 1_000, 5_000],
        latencySeconds: 3,
        largeBytes: 0.1 * GIGABYTE,
      }
    : {
        rounds: 5,
        rows: 1_000_000,
        backlogs: [1_000, 10_000, 100_000],
        latencySeconds: 6,
        largeBytes: 0.5 * GIGABYTE,
      }
  return Object.freeze({
    ...base,
    rounds: rounds ?? base.rounds,
    rows: rows ?? base.rows,
    largeBytes: large ? 5 * GIGABYTE : base.largeBytes,
  })
}
