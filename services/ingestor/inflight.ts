/** Bounds the transactions in flight, and with them connections and memory. */
export class InFlight {
  readonly #limit: number
  readonly #running = new Set<Promise<unknown>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Resolves when one more may begin: the back-pressure that reading feels. */
  async room(): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running)
  }

  add(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work.then(
      () => this.#running.delete(settled),
      () => this.#running.delete(settled),
    )
    this.#running.add(settled)
  }
}
