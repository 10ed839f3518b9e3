import type { Chance } from '../support/chance.ts'
import * as files from './faults/files.ts'
import * as network from './faults/network.ts'
import * as processes from './faults/processes.ts'
import * as server from './faults/server.ts'
import type { Fault } from './world.ts'

export const FAULTS: readonly Fault[] = [processes, server, network, files].flatMap(family =>
  Object.values(family),
)

/** Deals them like cards: each comes once before any comes again. */
export function dealer(names: readonly string[], chance: Chance): () => Fault {
  const chosen = FAULTS.filter(({ name }) => names.includes(name))
  let deck: Fault[] = []
  return () => {
    if (deck.length === 0) deck = shuffled(chosen, chance)
    return deck.pop()!
  }
}

function shuffled<T>(cards: readonly T[], chance: Chance): T[] {
  const deck = [...cards]
  for (let last = deck.length - 1; last > 0; last--) {
    const other = chance.whole(0, last)
    ;[deck[last], deck[other]] = [deck[other]!, deck[last]!]
  }
  return deck
}
