import Table from 'cli-table3'
import type { Strike } from './chart.ts'
import { FAULTS } from './faults.ts'
import { LEASE_MS } from './ingestor.ts'
import type { Takeovers } from './takeovers.ts'
import { type Measure, quantile, type Trend, trendOf } from './trend.ts'
import type { Vital } from './vitals.ts'
import type { Seen } from './watch.ts'

export interface Account {
  seed: number
  ranMs: number
  strikes: readonly Strike[]
  seen: Seen
  looks: number
  proofs: number
  rowsProven: number
  fenced: number
  takeovers: Takeovers
  vitals: readonly Vital[]
}

const TAKEOVER_TARGET_MS = LEASE_MS + 5_000

export function summary(account: Account): string {
  const { seen, takeovers, vitals, strikes } = account
  const table = new Table({ style: { head: [], border: [] } })
  const number = (value: number) => value.toLocaleString('en')
  table.push(
    ['Seed', String(account.seed)],
    ['Time', duration(account.ranMs)],
    [
      'Rows',
      `${number(seen.rowsLoaded)} loaded, ${number(seen.rowsDuplicate)} duplicate, ${number(seen.rowsRejected)} rejected, in ${number(seen.filesDone)} files`,
    ],
    ['Checked', checked(account)],
    ['Faults', `${strikes.length}\n${byKind(strikes)}`],
    ['Takeovers', takeoversIn(takeovers)],
    ['Fenced', `${account.fenced} times`],
    ...trendRows(vitals),
  )
  return table.toString()
}

export function duration(ms: number): string {
  const whole = Math.round(ms / 1_000)
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  return `${two(whole / 3600)}:${two((whole / 60) % 60)}:${two(whole % 60)}`
}

function checked({ looks, proofs, rowsProven }: Account): string {
  const between = `${looks.toLocaleString('en')} looks in between`
  if (proofs === 0) return `${between}; no whole proof yet`
  const whole = `${proofs} whole ${proofs === 1 ? 'proof' : 'proofs'}, line by line`
  return `${between}; ${whole}: ${rowsProven.toLocaleString('en')} rows, 0 lost, 0 twice`
}

function byKind(strikes: readonly Strike[]): string {
  return FAULTS.flatMap(({ name, what }) => {
    const times = strikes.filter(strike => strike.name === name).length
    return times === 0 ? [] : [`${String(times).padStart(4)} × ${what}`]
  }).join('\n')
}

function takeoversIn({ firstMs, lastMs }: Takeovers): string {
  if (firstMs.length === 0) return 'none: no fault fell on an ingestor with files in hand'
  const of = (values: readonly number[]) =>
    `p50 ${s(quantile(values, 0.5))}, p99 ${s(quantile(values, 0.99))}, at most ${s(Math.max(...values))}`
  const kept = quantile(firstMs, 0.99) <= TAKEOVER_TARGET_MS ? 'kept' : 'MISSED'
  return [
    `${firstMs.length}: first file ${of(firstMs)}; lease + 5 s = ${s(TAKEOVER_TARGET_MS)}: ${kept}`,
    `    last file ${of(lastMs)}`,
  ].join('\n')
}

function trendRows(vitals: readonly Vital[]): [string, string][] {
  const rows: [string, Measure, string][] = [
    ['Memory', 'memoryMiB', ' MiB'],
    ['Descriptors', 'descriptors', ''],
    ['Connections', 'connections', ''],
  ]
  return rows.map(([name, measure, unit]) => {
    const trend = trendOf(vitals, measure)
    return [name, trend ? inWords(trend, unit) : 'not looked at often enough']
  })
}

function inWords(trend: Trend, unit: string): string {
  const { place, hours, median, most, slopePerHour, verdict } = trend
  const sign = slopePerHour < 0 ? '−' : '+'
  const perHour =
    verdict === 'too short to tell'
      ? ''
      : `, ${sign}${Math.abs(slopePerHour).toFixed(1)}${unit} an hour`
  return [
    `${verdict}: median ${median.toFixed(0)}${unit}, at most ${most.toFixed(0)}${unit}${perHour}`,
    `(ingestor ${place}, the longest life: ${duration(hours * 3_600_000)})`,
  ].join('\n')
}

function s(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
