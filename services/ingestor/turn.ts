/** A batch's place in the order of one file's batches: the next one waits for it to commit. */
export class Turn {
  readonly #firstTry = Promise.withResolvers<boolean>()
  /** Settles with the batch: resolved once committed, rejected where it never will be. */
  readonly committed: Promise<unknown>

  constructor(commit: (turn: Turn) => Promise<unknown>) {
    this.committed = commit(this).then(
      result => {
        this.#firstTry.resolve(true)
        return result
      },
      error => {
        this.stumble()
        throw error
      },
    )
    // Whoever waits for it hears of the failure; that nobody may is no defect.
    this.committed.catch(() => {})
  }

  /** Whether it and all before it committed without a second try; false as soon as one did not. */
  get firstTry(): Promise<boolean> {
    return this.#firstTry.promise
  }

  stumble(): void {
    this.#firstTry.resolve(false)
  }
}
