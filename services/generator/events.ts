import { momentText } from './moments.ts'
import type { Randomizer } from './random.ts'
import type { Action } from './shoppers.ts'
import { uuidV7 } from './uuid.ts'

/** The seven texts of a row, in the order of `COLUMNS`. */
export type Row = readonly string[]

export interface EventParts {
  moments: (count: number) => number[]
  actions: () => Action
  ids: Randomizer
}

/** @returns a function giving the next rows, in the order of their moments and of their ids */
export function eventSource({ moments, actions, ids }: EventParts): (count: number) => Row[] {
  return count =>
    moments(count).map(micros => {
      const { type, product, session } = actions()
      return [
        uuidV7(micros, ids),
        momentText(micros),
        type,
        product.id,
        product.price,
        session.user,
        session.id,
      ]
    })
}
