import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Claim } from '../../services/ingestor/claim.ts'
import { type Judging, segments } from '../../services/ingestor/judge.ts'
import type { Next, Reject, Segment } from '../../services/ingestor/segment.ts'
import { placeOf, tuplesOf } from '../../services/ingestor/tuple.ts'

/** `file_id` and `line_no` at the end of a tuple, each after its length. */
const PLACE_BYTES = 24

export const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'

/** A claim on a file that nobody has read from yet. */
export function claimOn(fileName: string, from: Partial<Claim> = {}): Claim {
  return {
    fileId: 7,
    fileName,
    generation: 1,
    epoch: 1,
    byteOffset: 0,
    lineNo: 0,
    tailBytes: 0,
    tailHash: null,
    columns: null,
    discoveredAt: new Date(0),
    waitedMs: 0,
    takenOver: false,
    seen: { sizeBytes: -1, mtimeNs: 0n, inode: 0n },
    stillMs: 0,
    claimedAt: 0,
    ...from,
  }
}

/** The claim that goes on where the segments of another one ended. */
export function claimAfter(claim: Claim, judged: readonly Segment[]): Claim {
  const tail = judged.findLast(segment => segment.tail !== null)?.tail
  const columns = judged.find(segment => segment.columns !== null)?.columns
  return {
    ...claim,
    byteOffset: judged.at(-1)?.to ?? claim.byteOffset,
    lineNo: judged.at(-1)?.lineNo ?? claim.lineNo,
    tailBytes: tail?.bytes ?? claim.tailBytes,
    tailHash: tail?.hash ?? claim.tailHash,
    columns: columns ?? claim.columns,
  }
}

/** Reads files of `inputDir`; one that stands still for no time at all is finished. */
export function judging(inputDir: string, over: Partial<Judging> = {}): Judging {
  return { inputDir, maxLineBytes: 256, settleMs: 0, batchRows: 1_000, now: () => 0, ...over }
}

/** What a whole file, or the rest of one, comes to. */
export interface Judged {
  from: number
  to: number
  lineNo: number
  /** The bytes of COPY's tuples but for their place, by the line they came from. */
  rows: Map<number, string>
  offsets: Map<number, number>
  rejects: Map<number, Reject>
  blank: number
  next: Next
}

/** @throws Error where the segments do not follow one another to the byte and to the line */
export function sumUp(judged: readonly Segment[]): Judged {
  const first = judged[0]!
  const sum: Judged = {
    from: first.from,
    to: first.from,
    lineNo: 0,
    rows: new Map(),
    offsets: new Map(),
    rejects: new Map(),
    blank: 0,
    next: judged.at(-1)!.next,
  }
  for (const segment of judged) {
    const { from, to, lineNo, offsets, rejects, linesBlank } = segment
    if (from !== sum.to)
      throw new Error(`a segment begins at ${from}, the one before ended at ${sum.to}`)
    for (const [index, tuple] of tuplesOf(segment.copy).entries()) {
      const place = placeOf(tuple).lineNo
      if (sum.rows.has(place)) throw new Error(`line ${place} was accepted twice`)
      sum.rows.set(place, tuple.subarray(0, -PLACE_BYTES).toString('latin1'))
      sum.offsets.set(place, offsets[index]!)
    }
    for (const reject of rejects) {
      if (sum.rejects.has(reject.lineNo) || sum.rows.has(reject.lineNo))
        throw new Error(`line ${reject.lineNo} was judged twice`)
      sum.rejects.set(reject.lineNo, reject)
    }
    sum.blank += linesBlank
    sum.to = to
    sum.lineNo = lineNo
  }
  return sum
}

/** Writes a file and judges all of it. */
export function judgeContent(
  inputDir: string,
  content: string | Buffer,
  over: Partial<Judging> = {},
): Judged {
  writeFileSync(join(inputDir, 'judged.csv'), content)
  return sumUp([...segments(claimOn('judged.csv'), judging(inputDir, over))])
}
