import { shown } from '../contract/shown.ts'
import { age, count, duration, number } from './public/words.ts'
import { rowBytes } from './rates.ts'
import type { Connection, Seen, Totals, Verdict } from './shape.ts'

/** A file that waits longer than this is late; one that waits longer than that, with nothing moving, is stuck. */
const LATE_MS = 5_000
const STUCK_MS = 15_000
/** The last commit being older than this, nothing is going on. */
const IDLE_MS = 15_000

/** How things stand, in one sentence. The first that holds is said. */
export function verdictOf(connection: Connection, seen: Seen | null, nowMs: number): Verdict {
  if (!connection.up) return unreachable(connection)
  if (!seen) return quiet('Starting', 'asking the database')
  const { totals, ingestors } = seen
  if (!addsUp(seen)) return bad('Numbers do not add up', 'see the equation below')
  if (seen.paused) return busy('Paused', `${shown(seen.paused.reason, 120)} says ${seen.paused.by}`)
  const working = ingestors.some(({ state }) => state === 'working')
  const left = totals.filesWaiting + totals.filesInWork
  if (!working && left > 0) {
    return bad('Nobody at work', `no ingestor is running, ${toDo(totals)}`)
  }
  const lateMs = totals.oldestWaitingAtMs === null ? 0 : nowMs - totals.oldestWaitingAtMs
  if (left > 0 && lateMs > LATE_MS) return backlog(seen, lateMs)
  if (totals.filesFound === 0) return quiet('Empty', 'waiting for the first file')
  if (totals.lastCommitAtMs !== null && nowMs - totals.lastCommitAtMs < IDLE_MS)
    return keepingUp(seen)
  const lastMs = Math.max(totals.lastCommitAtMs ?? 0, totals.lastFoundAtMs ?? 0)
  const lonely = working ? '' : ', no ingestor is running'
  return quiet('Idle', `last file ${ago(nowMs - lastMs)} ago${lonely}`)
}

/** Whether every row is accounted for, by the checkpoint and by the tables. */
export function addsUp({ totals, audit }: Pick<Seen, 'totals' | 'audit'>): boolean {
  return balanceOf(totals) === 0 && audit.state !== 'differs'
}

/** Rows that were read but of which nothing is known; 0 when all is well. */
export function balanceOf(totals: Totals): number {
  const { rowsRead, rowsLoaded, rowsDuplicate, rowsRejected } = totals
  return rowsRead - rowsLoaded - rowsDuplicate - rowsRejected
}

function unreachable({ fault, retryInMs }: Connection): Verdict {
  if (fault?.startsWith('schema:')) return bad('Schema not ready', fault.slice(8))
  const seconds = Math.ceil((retryInMs ?? 0) / 1000)
  const retry = seconds === 0 ? 'retrying now' : `retrying in ${seconds} s`
  return bad('Database unreachable', `${retry}; nothing lost`)
}

function keepingUp({ totals, rates }: Seen): Verdict {
  const fresh = rates.freshness ? `, data is ${duration(rates.freshness.p50Ms)} old` : ''
  return { mood: 'good', head: 'Keeping up', details: `${waiting(totals)}${fresh}` }
}

function backlog({ totals, rates }: Seen, lateMs: number): Verdict {
  const oldest = `oldest ${age(lateMs)}`
  const { bytesIn, bytesRead } = rates.trend
  if (bytesRead === 0) {
    return lateMs > STUCK_MS
      ? bad('Not moving', `${toDo(totals)}, ${oldest}`)
      : busy('Falling behind', `${toDo(totals)}, ${oldest}`)
  }
  const shrinking = bytesRead - bytesIn
  if (shrinking > 0) {
    const clearsMs = ((totals.bytesWaiting + totals.bytesInWork) / shrinking) * 1000
    return busy('Catching up', `backlog clears in about ${duration(Math.max(1000, clearsMs))}`)
  }
  const growing = number(-shrinking / rowBytes(totals))
  return busy('Falling behind', `backlog grows by ${growing} rows/s, ${toDo(totals)}`)
}

/** What is claimed waits all the same, for as long as it is not loaded. */
function toDo({ filesWaiting, filesInWork }: Totals): string {
  return `${count(filesWaiting + filesInWork, 'file')} waiting`
}

function waiting({ filesWaiting }: Totals): string {
  return `${count(filesWaiting, 'file')} waiting`
}

// By whole steps, so that whoever has it read out is not told of each second.
function ago(ms: number): string {
  return ms < 60_000 ? `${Math.floor(ms / 10_000) * 10} s` : duration(ms)
}

const bad = (head: string, details: string): Verdict => ({ mood: 'bad', head, details })
const busy = (head: string, details: string): Verdict => ({ mood: 'busy', head, details })
const quiet = (head: string, details: string): Verdict => ({ mood: 'quiet', head, details })
