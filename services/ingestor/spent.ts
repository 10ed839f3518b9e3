/**
 * What a batch's time goes to: `judge` reads, frames and validates; `load` holds the claims and copies
 * rows and rejects; `commit` moves the offsets and commits; `archive` moves a group of files away.
 */
export type Stage = 'judge' | 'load' | 'commit' | 'archive'

/** Told how many milliseconds a stage took; once a batch, so it costs next to nothing. */
export type Spent = (stage: Stage, ms: number) => void

/** Tells what each stage took since the lap before; waiting for others (null) is no stage. */
export function laps(spent: Spent): (stage: Stage | null) => void {
  let begunAt = performance.now()
  return stage => {
    const now = performance.now()
    if (stage !== null) spent(stage, now - begunAt)
    begunAt = now
  }
}

/** Passes batches on, and tells what making each of them took. */
export function* timed<T>(batches: Iterable<T>, spent: Spent): Generator<T> {
  const lap = laps(spent)
  for (const batch of batches) {
    lap('judge')
    yield batch
    lap(null)
  }
}
