import type { Made } from './made.ts'
import type { Sizes } from './sizes.ts'
import type { Stand } from './stand.ts'

/** What one run of one side came to. */
export interface Sample {
  readonly value: number
  /** VmHWM of the process measured, in MB of 10^6 bytes. */
  readonly memoryMb?: number
  /** Further figures of the same run, by what they are. */
  readonly also?: Readonly<Record<string, number>>
}

export interface Side {
  readonly name: string
  /** One run from a clean start: preparing is not timed, only what becomes the sample's value. */
  run(): Promise<Sample>
}

/** A side and the samples of its rounds, in their order. */
export interface Measured {
  readonly name: string
  readonly samples: readonly Sample[]
}

export interface Goal {
  readonly at: 'least' | 'most'
  readonly value: number
}

/** A goal and what was found. `min` and `max` are the rounds' own. */
export interface Verdict {
  readonly what: string
  readonly goal: Goal
  readonly unit: 'times' | 's' | 'ms' | 'MB' | 'rows/s'
  readonly value: number
  readonly min: number
  readonly max: number
}

export interface Answer {
  /** The unit of every sample's value. */
  readonly unit: 's' | 'ms' | 'ms a file' | 'MB' | 'rows/s'
  readonly sides: readonly Measured[]
  readonly verdicts: readonly Verdict[]
  /** What could not be measured, and why. */
  readonly skipped?: readonly string[]
  readonly notes: readonly string[]
}

/** What a question works with. */
export interface Bench {
  readonly sizes: Sizes
  readonly stand: Stand
  readonly made: Made
  /** Where the peers that no package manager puts on the PATH are. */
  readonly peersDir: string
  /** Ends whatever a question has started. */
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

export interface Question {
  readonly name: string
  readonly title: string
  ask(bench: Bench): Promise<Answer>
}
