import type { Series } from './buckets.ts'
import { duration, short } from './words.ts'

/** What a chart shows. */
export interface Kind {
  name: string
  title: string
  /** What one point is; `%` stands for the length of a bucket. */
  unit: string
  /** For the table, and for whoever hears the page. */
  lines: (Series & { label: string; colour: string })[]
  shape: 'lines' | 'stacked'
  /** Latencies span four powers of ten. */
  log: boolean
  format: (value: number) => string
}

export const KINDS: readonly Kind[] = [
  {
    name: 'rates',
    title: 'Arriving and loading',
    unit: 'rows a second',
    shape: 'lines',
    log: false,
    format: short,
    lines: [
      { label: 'arriving', colour: '--in', of: point => point.rowsIn, how: 'mean' },
      { label: 'loaded', colour: '--loaded', of: point => point.rowsLoaded, how: 'mean' },
      { label: 'rejected', colour: '--rejected', of: point => point.rowsRejected, how: 'mean' },
    ],
  },
  {
    name: 'stages',
    title: 'Time per stage',
    unit: 'ms of each second, all ingestors',
    shape: 'stacked',
    log: false,
    format: value => `${short(value)} ms`,
    lines: [
      { label: 'read', colour: '--read', of: point => point.readMs, how: 'mean' },
      { label: 'judge', colour: '--judge', of: point => point.judgeMs, how: 'mean' },
      { label: 'load', colour: '--load', of: point => point.loadMs, how: 'mean' },
      { label: 'commit', colour: '--commit', of: point => point.commitMs, how: 'mean' },
    ],
  },
  {
    name: 'latency',
    title: 'From file to commit',
    unit: 'logarithmic',
    shape: 'lines',
    log: true,
    format: duration,
    lines: [
      { label: 'p50', colour: '--loaded', of: point => point.p50Ms, how: 'middle' },
      { label: 'p95', colour: '--in', of: point => point.p95Ms, how: 'most' },
      { label: 'max', colour: '--rejected', of: point => point.maxMs, how: 'most' },
    ],
  },
]
