import { basename, dirname, resolve } from 'node:path'
import { judgeFileName } from '../contract/dialect.ts'
import { COLUMNS, type Column } from '../contract/event.ts'
import { type Batch, inBatches } from './batch.ts'
import type { Claim } from './claim.ts'
import { type Config, placeOf } from './config.ts'
import { BAD_NAME } from './discover.ts'
import { segments } from './judge.ts'
import { columnOf } from './place.ts'
import { rejectsAmong } from './quarantine.ts'
import type { Rehearsal } from './rehearse.ts'
import type { Reject, Segment } from './segment.ts'

/** What is wrong, and where: a line of the file, or the file itself. */
export interface Finding {
  line: number
  /** In characters, from 1. */
  column: number
  reason: string
  field: Column | null
  message: string
}

export interface Verdict {
  rows: number
  good: number
  duplicates: number
  rejected: number
  /** Why the file would not be ingested; null where it would be. */
  fault: 'refused' | 'unreadable' | null
}

/** Batches of a check: as many lines are in memory, and in one statement. */
const LIMITS = { batchRows: 5_000, batchBytes: 8 * 1024 * 1024, batchSegments: 4_000 }

/**
 * What would become of a file, by the same parser and schema as `run`; with a rehearsal, by the
 * database's word as well. Memory is bounded by a batch.
 * @param onFinding told of each finding, in the order of the lines
 * @param onBytes told how far it has come
 */
export async function verdictOn(
  path: string,
  config: Config,
  rehearsal: Rehearsal | null,
  onFinding: (finding: Finding) => void,
  onBytes: (bytes: number) => void,
): Promise<Verdict> {
  const verdict: Verdict = { rows: 0, good: 0, duplicates: 0, rejected: 0, fault: null }
  const [folder, fileName] = [dirname(resolve(path)), basename(path)]
  if (judgeFileName(fileName) === 'bad') {
    onFinding(ofFile(BAD_NAME.reason, BAD_NAME.message))
    return { ...verdict, fault: 'refused' }
  }
  const claim = unclaimed(fileName, (await rehearsal?.enter(fileName)) ?? 0)
  const judging = {
    inputDir: placeOf(folder),
    maxLineBytes: config.maxLineBytes,
    batchRows: LIMITS.batchRows,
    settleMs: 0,
    now: () => performance.now(),
  }
  let columns: readonly Column[] = COLUMNS
  let last: Segment | null = null
  for (const batch of inBatches(segments(claim, judging), LIMITS)) {
    columns = batch.segments.find(segment => segment.columns)?.columns ?? columns
    const left = rehearsal && batch.rows > 0 ? await rehearsal.load(batch) : []
    const rejects = rejectsOf(batch).concat(rejectsAmong(left, batch))
    rejects.sort((a, b) => a.lineNo - b.lineNo)
    for (const reject of rejects) onFinding(findingOf(reject, columns))
    verdict.rows += batch.rows + batch.rejects
    verdict.rejected += rejects.length
    verdict.duplicates += left.filter(({ reject }) => reject === null).length
    verdict.good += batch.rows - left.length
    last = batch.segments.at(-1)!
    onBytes(batch.segments.reduce((sum, { from, to }) => sum + to - from, 0))
  }
  return { ...verdict, fault: faultOf(last!, onFinding) }
}

function rejectsOf(batch: Batch): Reject[] {
  return batch.segments.flatMap(({ rejects }) => rejects)
}

function faultOf({ next }: Segment, onFinding: (finding: Finding) => void): Verdict['fault'] {
  switch (next.status) {
    case 'refused':
      onFinding(ofFile(next.reason, next.message.replace(/^line 1: /, '')))
      return 'refused'
    case 'missing':
      onFinding(ofFile('missing', 'there is no such file'))
      return 'unreadable'
    case 'pending':
      onFinding(ofFile('unreadable', next.message ?? 'it is being written to right now'))
      return 'unreadable'
    default:
      return null
  }
}

function findingOf(reject: Reject, columns: readonly Column[]): Finding {
  const { lineNo, reason, column, message } = reject
  return { line: lineNo, column: columnOf(reject, columns), reason, field: column, message }
}

function ofFile(reason: string, message: string): Finding {
  return { line: 1, column: 1, reason, field: null, message }
}

/** A file as if it had just been claimed, to be read from its beginning. */
export function unclaimed(fileName: string, fileId: number): Claim {
  return {
    fileId,
    fileName,
    generation: 1,
    epoch: 0,
    byteOffset: 0,
    lineNo: 0,
    tailBytes: 0,
    tailHash: null,
    columns: null,
    discoveredAt: new Date(0),
    seen: { sizeBytes: -1, mtimeNs: 0n, inode: 0n },
    stillMs: 0,
    waitedMs: 0,
    takenOver: false,
    claimedAt: 0,
  }
}
