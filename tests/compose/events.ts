import { randomUUID } from 'node:crypto'
import { HEADER } from '../../services/contract/dialect.ts'

export interface Events {
  /** A whole file, in the columns' own order. */
  readonly csv: string
  readonly rows: number
  /** The sum of all prices, as PostgreSQL writes it. */
  readonly revenue: string
}

/** Good rows, every one with another id. */
export function events(rows: number): Events {
  let cents = 0
  const body: string[] = [HEADER]
  for (let index = 0; index < rows; index++) {
    const price = 1 + ((index * 7919) % 99_999)
    cents += price
    const type = index % 3 === 0 ? 'purchase' : 'view'
    body.push(
      `${randomUUID()},2026-03-04 05:06:07.${String(index % 1e6).padStart(6, '0')},${type},${1 + (index % 500)},${inDecimals(price)},${1 + (index % 9000)},s-${index % 700}`,
    )
  }
  return { csv: `${body.join('\n')}\n`, rows, revenue: inDecimals(cents) }
}

export function inDecimals(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
