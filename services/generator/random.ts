import { generateMersenne32Randomizer, type Randomizer } from '@faker-js/faker'

export type { Randomizer }

const BASE_36 = '0123456789abcdefghijklmnopqrstuvwxyz'

/**
 * Faker's Mersenne Twister, seeded. `purpose` keeps streams of one seed apart: what is drawn for
 * faults must not shift what is drawn for events, or `--bad-rate` would change every good row too.
 */
export function randomFrom(seed: number, purpose: 'run' | 'ids' | 'events' | 'faults'): Randomizer {
  const randomizer = generateMersenne32Randomizer()
  randomizer.seed([seed, ...Buffer.from(purpose)])
  return randomizer
}

/** A whole number from `min` to `max`, both inclusive: `faker.number.int` at half its cost. */
export function draw(random: Randomizer, min: number, max: number): number {
  return min + Math.floor(random.next() * (max - min + 1))
}

export function pick<T>(random: Randomizer, choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)]!
}

/** Six characters that name a run in its files and its sessions. */
export function runIdFrom(random: Randomizer): string {
  return Array.from({ length: 6 }, () => BASE_36[draw(random, 0, 35)]).join('')
}
