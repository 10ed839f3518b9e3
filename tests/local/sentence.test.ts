import { describe, expect, test } from 'vitest'
import { sentence } from '../../services/local/sentence.ts'
import type { Snapshot } from '../../services/local/snapshot.ts'

const calm: Snapshot = {
  atMs: 0,
  rowsLoaded: 0,
  rowsDuplicate: 0,
  rowsRejected: 0,
  filesWaiting: 0,
  filesRefused: 0,
  filesParked: 0,
  oldestWaitingS: null,
  newestAgeS: null,
}

const inWords = (...changes: Partial<Snapshot>[]) => {
  const { head, details } = sentence(changes.map(change => ({ ...calm, ...change })))
  return `${head}: ${details}`
}

describe('how things stand, in words', () => {
  test('a flow that is loaded as it comes', () => {
    expect(
      inWords(
        { atMs: 0, rowsLoaded: 11_850 },
        { atMs: 5_000, rowsLoaded: 12_340, newestAgeS: 0.21, filesWaiting: 1, oldestWaitingS: 0.1 },
      ),
    ).toBe('Keeping up: 12,340 rows loaded, 98 rows/s, newest 0.2 s old, 1 file waiting, 0 rejects')
  })

  test('a backlog that shrinks', () => {
    expect(
      inWords(
        { atMs: 0 },
        { atMs: 1_000, rowsLoaded: 90_000, filesWaiting: 312, oldestWaitingS: 31, newestAgeS: 45 },
      ),
    ).toBe(
      'Catching up: 90,000 rows loaded, 90,000 rows/s, newest 45 s old, 312 files waiting, 0 rejects',
    )
  })

  test('a backlog that does not', () => {
    expect(inWords({ atMs: 0 }, { atMs: 1_000, filesWaiting: 2, oldestWaitingS: 16 })).toBe(
      'Not moving: 0 rows loaded, 0 rows/s, 2 files waiting, 0 rejects',
    )
  })

  test('nothing to do, with what went wrong before', () => {
    const then = {
      rowsLoaded: 1,
      rowsRejected: 1,
      rowsDuplicate: 3,
      filesRefused: 2,
      filesParked: 1,
    }
    expect(inWords(then, { ...then, atMs: 1_000, newestAgeS: 7_300 })).toBe(
      'Waiting for files: 1 row loaded, 0 rows/s, newest 2 h old, 0 files waiting, 1 reject, 3 duplicates, 2 files refused, 1 file parked',
    )
  })
})
