import { OutOfTurn } from './errors.ts'

/** A batch's place in the order of one file's batches: the next one waits for it to commit. */
export class Turn {
  /** Whether the try that is under way, or comes next, commits. */
  #try = Promise.withResolvers<boolean>()
  #hasStumbled = false
  #behind: Turn | undefined
  /** Settles with the batch: resolved once committed, rejected where it never will be. */
  readonly committed: Promise<unknown>

  constructor(before: Turn | null, commit: (turn: Turn) => Promise<unknown>) {
    if (before) before.#behind = this
    this.committed = commit(this).then(
      result => {
        this.#try.resolve(true)
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

  /** Whether those who begin now need not count on a first try. */
  get hasStumbled(): boolean {
    return this.#hasStumbled
  }

  /**
   * A try has failed, and each time one does it is felt all down the row: one that waits with nothing
   * open has not tried anything, yet the one after it may hold a key that the one before is waiting for.
   */
  stumble(): void {
    this.#hasStumbled = true
    this.#try.resolve(false)
    this.#try = Promise.withResolvers()
    this.#behind?.stumble()
  }

  /**
   * For one who begins now, while this may still be on its way.
   * @returns waits until this is stored
   * @throws OutOfTurn where the try that is under way, or comes next, fails
   */
  follow(): () => Promise<void> {
    const commits = this.#try.promise
    return async () => {
      if (!(await commits)) throw new OutOfTurn()
    }
  }

  /** All before it are stored and it has tried nothing yet: whoever begins after this may count on it. */
  recover(): void {
    this.#hasStumbled = false
  }
}
