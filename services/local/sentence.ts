import type { Snapshot } from './snapshot.ts'

export type Mood = 'good' | 'busy' | 'bad' | 'quiet'

/** How things stand, for a person: "Keeping up: 12,340 rows loaded, 98 rows/s, …". */
export interface Sentence {
  readonly mood: Mood
  readonly head: string
  readonly details: string
}

const LATE_S = 5
const STUCK_S = 15

/** @param recent snapshots of the last seconds, the oldest first, at least one */
export function sentence(recent: readonly Snapshot[]): Sentence {
  const now = recent.at(-1)!
  const rate = rowsPerSecond(recent)
  return { ...judge(now, rate), details: details(now, rate) }
}

function judge(now: Snapshot, rate: number): { mood: Mood; head: string } {
  const lateS = now.oldestWaitingS ?? 0
  if (rate === 0 && lateS > STUCK_S) return { mood: 'bad', head: 'Not moving' }
  if (lateS > LATE_S) return { mood: 'busy', head: 'Catching up' }
  if (rate > 0) return { mood: 'good', head: 'Keeping up' }
  return { mood: 'quiet', head: 'Waiting for files' }
}

function details(now: Snapshot, rate: number): string {
  const parts = [
    `${count(now.rowsLoaded, 'row')} loaded`,
    `${number(rate)} rows/s`,
    now.newestAgeS === null ? '' : `newest ${age(now.newestAgeS)} old`,
    `${count(now.filesWaiting, 'file')} waiting`,
    count(now.rowsRejected, 'reject'),
    now.rowsDuplicate === 0 ? '' : count(now.rowsDuplicate, 'duplicate'),
    now.filesRefused === 0 ? '' : `${count(now.filesRefused, 'file')} refused`,
    now.filesParked === 0 ? '' : `${count(now.filesParked, 'file')} parked`,
  ]
  return parts.filter(part => part !== '').join(', ')
}

function rowsPerSecond(recent: readonly Snapshot[]): number {
  const first = recent[0]!
  const last = recent.at(-1)!
  const seconds = (last.atMs - first.atMs) / 1000
  const rows = (of: Snapshot) => of.rowsLoaded + of.rowsDuplicate + of.rowsRejected
  return seconds <= 0 ? 0 : Math.max(0, Math.round((rows(last) - rows(first)) / seconds))
}

function age(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return `${number(Math.round(seconds / 3_600))} h`
}

function count(amount: number, noun: string): string {
  return `${number(amount)} ${noun}${amount === 1 ? '' : 's'}`
}

function number(amount: number): string {
  return amount.toLocaleString('en-US')
}
