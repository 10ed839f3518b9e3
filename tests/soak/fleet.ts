import type { Chance } from '../support/chance.ts'
import { Ingestor, type Place } from './ingestor.ts'

/**
 * One to four ingestors. Where there are several, the first is never killed: it lives through every
 * other fault for the whole run, and shows what leaks.
 */
export class Fleet {
  readonly places: readonly Ingestor[]
  #size = 0

  private constructor(places: readonly Ingestor[]) {
    this.places = places
  }

  static async of(most: number, place: Place): Promise<Fleet> {
    const places: Ingestor[] = []
    for (let number = 1; number <= most; number++) places.push(await Ingestor.placed(number, place))
    return new Fleet(places)
  }

  get working(): readonly Ingestor[] {
    return this.places.slice(0, this.#size)
  }

  async resize(size: number): Promise<void> {
    for (const place of this.places.slice(size)) await place.stop()
    this.#size = size
    for (const place of this.working) if (!place.life || place.life.exit) place.start()
  }

  any(chance: Chance): Ingestor {
    return chance.pick(this.working)
  }

  /** One that may be ended. */
  mortal(chance: Chance): Ingestor {
    return chance.pick(this.#size > 1 ? this.working.slice(1) : this.working)
  }

  async fit(deadlineMs: number, stop: AbortSignal): Promise<void> {
    await Promise.all(this.working.map(ingestor => ingestor.fit(deadlineMs, stop)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.places.map(ingestor => ingestor.stop()))
  }
}
