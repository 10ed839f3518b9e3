import { expect, test } from 'vitest'
import { COLUMNS, COMMON_LINE, eventSchema } from '../../services/contract/event.ts'
import { momentText } from '../../services/generator/moments.ts'
import { made } from './made.ts'

const ROWS = made(50_000)
const column = (name: (typeof COLUMNS)[number]) => ROWS.map(row => row[COLUMNS.indexOf(name)]!)

/** The first text that is not above the one before it: comparing whole arrays takes minutes to fail. */
const outOfOrder = (texts: readonly string[]) =>
  texts.find((text, index) => index > 0 && text <= texts[index - 1]!)

test('every row is accepted by the contract, and has the common form', () => {
  const common = new RegExp(`^${COMMON_LINE}$`)
  for (const row of ROWS) {
    const event = Object.fromEntries(COLUMNS.map((name, index) => [name, row[index]]))
    if (!eventSchema.safeParse(event).success) expect.fail(`refused: ${row}`)
  }
  const rare = ROWS.filter(row => !common.test(row.join(',')))
  // 29 February is the one common day that the common form leaves to the schema.
  expect(rare.filter(row => !row[1]!.includes('-02-29'))).toEqual([])
})

test('7 of 10 events are views, the others purchases', () => {
  const views = column('event_type').filter(type => type === 'view').length
  expect(views / ROWS.length).toBeGreaterThan(0.69)
  expect(views / ROWS.length).toBeLessThan(0.71)
  expect(new Set(column('event_type'))).toEqual(new Set(['view', 'purchase']))
})

test('products, prices and users fill their ranges and stay within them', () => {
  const products = column('product_id').map(Number)
  expect([Math.min(...products), Math.max(...products)]).toEqual([100, 200])
  expect(new Set(products).size).toBe(101)
  const prices = column('price')
  expect(prices.every(price => /^\d+\.\d\d$/.test(price))).toBe(true)
  expect(Math.min(...prices.map(Number))).toBeGreaterThanOrEqual(10)
  expect(Math.max(...prices.map(Number))).toBeLessThanOrEqual(500)
  expect(Math.max(...prices.map(Number)) - Math.min(...prices.map(Number))).toBeGreaterThan(400)
  const users = column('user_id').map(Number)
  expect(Math.min(...users)).toBeGreaterThanOrEqual(1000)
  expect(Math.max(...users)).toBeLessThanOrEqual(5000)
  expect(new Set(users).size).toBeGreaterThan(2000)
})

test('a session spans several events, all of one user', () => {
  const users = new Map<string, string[]>()
  for (const row of ROWS) users.set(row[6]!, [...(users.get(row[6]!) ?? []), row[5]!])
  for (const [session, of] of users) expect(new Set(of).size, session).toBe(1)
  const lengths = [...users.values()].map(of => of.length)
  expect(ROWS.length / lengths.length).toBeGreaterThan(6)
  expect(Math.max(...lengths)).toBe(15)
  expect(lengths.filter(length => length === 1).length).toBeLessThanOrEqual(32)
})

test('a purchase takes the product that its session last looked at', () => {
  const lastSeen = new Map<string, string>()
  for (const [, , type, product, price, , session] of ROWS as string[][]) {
    const thing = `${product} at ${price}`
    if (type === 'purchase' && lastSeen.has(session!)) expect(thing).toBe(lastSeen.get(session!))
    lastSeen.set(session!, thing)
  }
})

test('ids are UUIDv7, never twice, and rise together with the times', () => {
  const ids = column('event_id')
  const v7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  expect(ids.filter(id => !v7.test(id))).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
  expect(outOfOrder(ids)).toBeUndefined()
  const times = column('event_time')
  expect(outOfOrder(times)).toBeUndefined()
  for (const row of ROWS.slice(0, 1000)) {
    const idMs = Number.parseInt(row[0]!.replace('-', '').slice(0, 12), 16)
    expect(new Date(idMs).toISOString().replace('T', ' ').slice(0, 23)).toBe(row[1]!.slice(0, 23))
  }
})

test('a clock that is set back costs neither the order nor the uniqueness of ids', () => {
  const times = [5_000_000, 6_000_000, 1_000_000, 1_000_001, 9_000_000].map(t => t + 1e15)
  const clock = { now: () => times.shift() ?? 1e15, pass: () => undefined }
  const rows = made(5000, 3, clock)
  const ids = rows.map(row => row[0]!)
  expect(outOfOrder(ids)).toBeUndefined()
})

test('no event lies in the future', () => {
  const before = made(10_000)
  // The clock ticks in milliseconds; rows made within one tick run ahead of it by a microsecond each.
  const now = momentText((Date.now() + 20) * 1000)
  expect(before.at(-1)![1]! <= now).toBe(true)
})

test('a time has microseconds and is in UTC', () => {
  expect(momentText(Date.parse('2026-01-02T03:04:05.678Z') * 1000 + 9)).toBe(
    '2026-01-02 03:04:05.678009',
  )
  expect(momentText(0)).toBe('1970-01-01 00:00:00.000000')
})
