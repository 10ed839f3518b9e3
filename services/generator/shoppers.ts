import { SimpleFaker } from '@faker-js/faker'
import type { Randomizer } from './random.ts'
import { draw, pick } from './random.ts'

const OPEN_SESSIONS = 32
const PURCHASES = 0.3
const PRODUCTS = { min: 100, max: 200 }
const PRICES = { min: 10, max: 500, fractionDigits: 2 }
const USERS = { min: 1000, max: 5000 }
const EVENTS_PER_SESSION = { min: 2, max: 15 }

interface Product {
  readonly id: string
  readonly price: string
}

interface Session {
  readonly id: string
  readonly user: string
  product: Product
  eventsLeft: number
}

/** What somebody did in a shop: everything of an event but its id and its moment. */
export interface Action {
  readonly type: 'view' | 'purchase'
  readonly product: Product
  readonly session: Readonly<Session>
}

/**
 * Shoppers at work: 32 sessions are open at a time, each of one user, and each lasts 2 to 15 events.
 * A view turns to some product; a purchase takes the product last looked at, at its price in the
 * catalogue. Faker fills the catalogue and opens the sessions; what happens at every row is drawn
 * from its Mersenne generator directly.
 * @param runId begins each session's id, so that no session is continued by another run
 */
export function actionSource(random: Randomizer, runId: string): () => Action {
  const faker = new SimpleFaker({ randomizer: random })
  const catalogue = catalogueOf(faker)
  let opened = 0
  const open = (): Session => ({
    id: `${runId}-${(opened++).toString(36).padStart(5, '0')}`,
    user: String(faker.number.int(USERS)),
    product: pick(random, catalogue),
    eventsLeft: faker.number.int(EVENTS_PER_SESSION),
  })
  const sessions = Array.from({ length: OPEN_SESSIONS }, open)
  return () => {
    const at = draw(random, 0, OPEN_SESSIONS - 1)
    const session = sessions[at]!
    const type = random.next() < PURCHASES ? 'purchase' : 'view'
    if (type === 'view') session.product = pick(random, catalogue)
    if (--session.eventsLeft === 0) sessions[at] = open()
    return { type, product: session.product, session }
  }
}

function catalogueOf(faker: SimpleFaker): Product[] {
  const ids = Array.from(
    { length: PRODUCTS.max - PRODUCTS.min + 1 },
    (_, index) => PRODUCTS.min + index,
  )
  return ids.map(id => ({ id: String(id), price: faker.number.float(PRICES).toFixed(2) }))
}
