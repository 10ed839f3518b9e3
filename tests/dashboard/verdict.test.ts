import { describe, expect, test } from 'vitest'
import { bottleneckOf } from '../../services/dashboard/bottleneck.ts'
import type {
  Audit,
  Connection,
  Ingestor,
  Point,
  Rates,
  Seen,
  Totals,
} from '../../services/dashboard/shape.ts'
import { verdictOf } from '../../services/dashboard/verdict.ts'

const NOW = 1_800_000_000_000

describe('the verdict', () => {
  test('keeping up says how many wait and how old data is when it arrives', () => {
    const seen = looked({ totals: { filesWaiting: 0, lastCommitAtMs: NOW - 400 } })
    expect(verdict(seen)).toBe('good Keeping up: 0 files waiting, data is 1.4 s old')
  })

  test('catching up says when the backlog is gone', () => {
    const totals = { filesWaiting: 40, bytesWaiting: 40_000, oldestWaitingAtMs: NOW - 9_000 }
    const seen = looked({ totals, rates: { trend: { bytesRead: 3_000, bytesIn: 2_000 } } })
    expect(verdict(seen)).toBe('busy Catching up: backlog clears in about 40 s')
  })

  test('falling behind says by how much', () => {
    const totals = { filesWaiting: 7, bytesWaiting: 40_000, oldestWaitingAtMs: NOW - 9_000 }
    const seen = looked({ totals, rates: { trend: { bytesRead: 1_000, bytesIn: 51_000 } } })
    expect(verdict(seen)).toBe('busy Falling behind: backlog grows by 500 rows/s, 7 files waiting')
  })

  test('a backlog that nobody touches is not moving, after a while', () => {
    const waiting = (ms: number) =>
      looked({ totals: { filesWaiting: 1, oldestWaitingAtMs: NOW - ms, bytesWaiting: 10 } })
    expect(verdict(waiting(6_000))).toBe('busy Falling behind: 1 file waiting, oldest 6 s')
    expect(verdict(waiting(20_000))).toBe('bad Not moving: 1 file waiting, oldest 20 s')
  })

  test('files that wait with nobody at work are said so at once', () => {
    const seen = looked({ totals: { filesWaiting: 3 }, ingestors: [ingestor('silent')] })
    expect(verdict(seen)).toBe('bad Nobody at work: no ingestor is running, 3 files waiting')
  })

  test('a pause names its reason, and who asked for it', () => {
    const paused = { by: 'ann (psql)', reason: 'the disk\u202e is moved' }
    const seen = looked({ totals: { filesWaiting: 3 }, ingestors: [], paused })
    expect(verdict(seen)).toBe('busy Paused: "the disk\\u202e is moved" says ann (psql)')
  })

  test('idle says since when, in steps that are not read out each second', () => {
    const idle = (ms: number) => looked({ totals: { lastCommitAtMs: NOW - ms } })
    expect(verdict(idle(34_000))).toBe('quiet Idle: last file 30 s ago')
    expect(verdict(idle(180_000))).toBe('quiet Idle: last file 3 min ago')
  })

  test('an empty database waits for its first file', () => {
    const seen = looked({ totals: { filesFound: 0, rowsRead: 0, rowsLoaded: 0 } })
    expect(verdict(seen)).toBe('quiet Empty: waiting for the first file')
  })

  test('numbers that do not add up come before all but an unreachable database', () => {
    const lost = looked({ totals: { filesWaiting: 3, rowsRead: 101 }, ingestors: [] })
    expect(verdict(lost)).toBe('bad Numbers do not add up: see the equation below')
    expect(verdict(looked({ audit: { state: 'differs' } }))).toMatch(/^bad Numbers/)
    const away = { up: false, fault: 'no answer', retryInMs: 3_400, seenAgoMs: 1 }
    expect(verdict(lost, away)).toBe('bad Database unreachable: retrying in 4 s; nothing lost')
  })

  test('a schema of another version is no outage', () => {
    const fault = 'schema: expected version 5, found 0; run `npm run migrate`'
    const away = { up: false, fault, retryInMs: 1_000, seenAgoMs: null }
    expect(verdict(null, away)).toBe(
      'bad Schema not ready: expected version 5, found 0; run `npm run migrate`',
    )
  })
})

describe('the bottleneck', () => {
  const waits = { filesWaiting: 5, oldestWaitingAtMs: NOW - 3_000 }
  const { totals } = looked({ totals: waits })
  const working = [ingestor('working')]

  test('is nowhere while nothing waits, or nothing is busy', () => {
    const passing = { ...totals, oldestWaitingAtMs: NOW - 1_000 }
    expect(bottleneckOf(passing, working, seconds({ loadMs: 900 }), NOW)).toBeNull()
    expect(bottleneckOf(totals, working, seconds({ loadMs: 100 }), NOW)).toBeNull()
  })

  test('is where the time goes', () => {
    expect(bottleneckOf(totals, working, seconds({ judgeMs: 700, loadMs: 300 }), NOW)?.at).toBe(
      'work',
    )
    expect(bottleneckOf(totals, working, seconds({ judgeMs: 200, commitMs: 600 }), NOW)).toEqual({
      at: 'loaded',
      words: 'PostgreSQL stores 60 % of the time',
    })
  })

  test('is the folder where nobody takes files', () => {
    expect(bottleneckOf(totals, [ingestor('stopped')], [], NOW)?.at).toBe('waiting')
  })
})

function verdict(seen: Seen | null, connection: Partial<Connection> = {}): string {
  const up = { up: true, fault: null, retryInMs: null, seenAgoMs: 0, ...connection }
  const { mood, head, details } = verdictOf(up, seen, NOW)
  return `${mood} ${head}: ${details}`
}

interface Differences {
  totals?: Partial<Totals>
  rates?: Partial<Rates>
  audit?: Partial<Audit>
  ingestors?: Ingestor[]
  paused?: Seen['paused']
}

/** A hundred rows of a hundred bytes were loaded long ago, but for what the test says. */
function looked({ totals, rates, audit, ingestors, paused }: Differences): Seen {
  return {
    totals: {
      ...{ filesFound: 1, filesWaiting: 0, filesInWork: 0, filesSettling: 0, filesDone: 1 },
      ...{ filesRefused: 0, filesMissing: 0, filesParked: 0 },
      ...{ bytesFound: 10_000, bytesRead: 10_000, bytesWaiting: 0, bytesInWork: 0 },
      ...{ oldestWaitingAtMs: null },
      ...{ rowsRead: 100, rowsLoaded: 100, rowsDuplicate: 0, rowsRejected: 0, rowsInFlight: 0 },
      ...{ lastCommitAtMs: NOW - 3_600_000, lastFoundAtMs: NOW - 3_600_000 },
      ...totals,
    },
    rates: {
      ...{ rowsIn: 0, rowsLoaded: 0, rowsDuplicate: 0, rowsRejected: 0, filesIn: 0, filesDone: 0 },
      ...{ bytesIn: 0, bytesRead: 0, trend: { bytesIn: 0, bytesRead: 0 } },
      ...{ freshness: { p50Ms: 1_400, p95Ms: 2, maxMs: 3, files: 4 } },
      ...rates,
    },
    ingestors: ingestors ?? [ingestor('working')],
    audit: { state: 'agrees', atMs: NOW, tookMs: 1, differences: [], ...audit },
    bottleneck: null,
    paused: paused ?? null,
    files: [],
    rejects: { groups: [], counted: 0, all: true },
  }
}

function ingestor(state: Ingestor['state']): Ingestor {
  return {
    owner: 'one',
    state,
    startedAtMs: 0,
    seenAtMs: 0,
    filesInWork: 0,
    rowsPerSecond: 0,
    watchFault: null,
  }
}

function seconds(each: Partial<Point>): Point[] {
  const nothing = { readMs: 0, judgeMs: 0, loadMs: 0, commitMs: 0 } as Point
  return Array.from({ length: 10 }, (_, t) => ({ ...nothing, ...each, t }))
}
