import { OutOfTurn } from './errors.ts'

/** A batch's place in the order of one file's batches: the next one waits for it to commit. */
export class Turn {
  #firstTry = Promise.withResolvers<boolean>()
  #hasStumbled = false
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

  /** Whether those who begin now need not count on a first try. */
  get hasStumbled(): boolean {
    return this.#hasStumbled
  }

  stumble(): void {
    this.#hasStumbled = true
    this.#firstTry.resolve(false)
  }

  /**
   * For one who begins now, while this may still be on its way.
   * @returns waits until this is stored
   * @throws OutOfTurn where it stumbles meanwhile; of one that has before, it is only known when it is stored
   */
  follow(): () => Promise<void> {
    if (this.#hasStumbled) return async () => void (await this.committed)
    const firstTry = this.firstTry
    return async () => {
      if (!(await firstTry)) throw new OutOfTurn()
    }
  }

  /** All before it are stored and it has tried nothing yet: whoever begins after this may count on it. */
  recover(): void {
    if (!this.#hasStumbled) return
    this.#hasStumbled = false
    this.#firstTry = Promise.withResolvers<boolean>()
  }
}
