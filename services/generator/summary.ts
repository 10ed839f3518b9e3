import type { Chunk } from './chunks.ts'
import type { SpoilReason } from './spoilers.ts'

/** What a run has published; a file that was dropped on the way is not in it. */
export interface Summary {
  readonly runId: string
  readonly seed: number
  files: number
  rows: number
  good: number
  duplicates: number
  bad: number
  badByReason: Partial<Record<SpoilReason, number>>
  bytes: number
  seconds: number
  rowsPerSecond: number
  /** Ended by a signal, before all files that were asked for; an endless run always is. */
  stopped: boolean
}

export interface Tally {
  rows: number
  duplicates: number
  rejects: Map<SpoilReason, number>
}

export function emptySummary(runId: string, seed: number): Summary {
  const counts = { files: 0, rows: 0, good: 0, duplicates: 0, bad: 0, badByReason: {}, bytes: 0 }
  return { runId, seed, ...counts, seconds: 0, rowsPerSecond: 0, stopped: false }
}

export function emptyTally(): Tally {
  return { rows: 0, duplicates: 0, rejects: new Map() }
}

export function tally(sum: Tally, chunk: Chunk): void {
  sum.rows += chunk.rows
  sum.duplicates += chunk.duplicates
  for (const reason of chunk.rejects) sum.rejects.set(reason, (sum.rejects.get(reason) ?? 0) + 1)
}

export function addFile(summary: Summary, file: Tally, bytes: number): void {
  const bad = [...file.rejects.values()].reduce((sum, count) => sum + count, 0)
  summary.files++
  summary.rows += file.rows
  summary.duplicates += file.duplicates
  summary.bad += bad
  summary.good += file.rows - file.duplicates - bad
  summary.bytes += bytes
  for (const [reason, count] of file.rejects) {
    summary.badByReason[reason] = (summary.badByReason[reason] ?? 0) + count
  }
}

/** Some lines for a person. */
export function summaryText(summary: Summary): string {
  const { files, rows, bytes, seconds, rowsPerSecond, seed, stopped } = summary
  const reasons = Object.entries(summary.badByReason).sort(([, a], [, b]) => b - a)
  return [
    `${stopped ? 'Stopped after' : 'Wrote'} ${count(files, 'file')} with ${count(rows, 'row')} (${size(bytes)}) in ${seconds.toFixed(1)} s: ${number(rowsPerSecond)} rows/s`,
    ...(summary.good < rows
      ? [
          `  good ${number(summary.good)}, duplicate ${number(summary.duplicates)}, bad ${number(summary.bad)}`,
        ]
      : []),
    ...reasons.map(([reason, times]) => `    ${reason.padEnd(20)} ${number(times).padStart(10)}`),
    `  the same events again: --seed ${seed}`,
  ].join('\n')
}

function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function size(bytes: number): string {
  if (bytes < 1e4) return `${number(bytes)} bytes`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
