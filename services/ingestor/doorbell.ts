import { setTimeout as delay } from 'node:timers/promises'

/** Wakes whoever waits for work. A ring that nobody waited for is kept for the next one who does. */
export class Doorbell {
  #waiting = new Set<() => void>()
  #rung = false

  ring(): void {
    this.#rung = this.#waiting.size === 0
    for (const wake of this.#waiting) wake()
  }

  /** Wakes one of them, for work that is enough for one. */
  ringOne(): void {
    const [wake] = this.#waiting
    if (!wake) this.#rung = true
    else {
      this.#waiting.delete(wake)
      wake()
    }
  }

  /** Resolves at the next ring, after `ms`, or when stopped, whichever comes first. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) {
      this.#rung = false
      return
    }
    const timer = new AbortController()
    const { promise: rung, resolve: wake } = Promise.withResolvers<void>()
    this.#waiting.add(wake)
    await Promise.race([
      rung,
      delay(ms, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).catch(() => {}),
    ])
    this.#waiting.delete(wake)
    timer.abort()
  }
}
