import type { Column } from '../contract/event.ts'
import type { RefuseReason, RejectReason } from '../contract/reasons.ts'
import type { Claim } from './claim.ts'
import type { Seen } from './read.ts'

/** What one transaction moves a file by: the bytes [from, to), what became of them, and what is next. */
export interface Segment {
  readonly claim: Claim
  readonly from: number
  to: number
  /** Lines of the file up to `to`, the header included. */
  lineNo: number
  /** Accepted lines as COPY takes them: the seven fields, `file_id`, `line_no`, LF. */
  copy: Buffer
  /** Offset in the file of each line of `copy`. */
  offsets: number[]
  /** The bytes of those lines, by their place in `copy`, that are not there as they stood in the file. */
  rewritten: Map<number, Buffer>
  rejects: Reject[]
  linesBlank: number
  /** The bytes before `to`: see `ingest_files.tail_hash`. */
  tail: { bytes: number; hash: Buffer } | null
  columns: Column[] | null
  /** How much memory it takes, about. */
  bytes: number
  next: Next
}

export interface Reject {
  fileId: number
  lineNo: number
  byteOffset: number
  reason: RejectReason
  column: Column | null
  message: string
  /** The line without its end. */
  raw: Buffer
}

/** The state that the file is in once the segment is committed. */
export type Next =
  | { status: 'active' }
  | { status: 'done'; seen: Seen }
  /** Back to the queue: to be looked at again after `waitMs`. */
  | {
      status: 'pending'
      waitMs: number
      seen?: Seen
      stillMs?: number
      message?: string
      blame?: false
    }
  | { status: 'refused'; reason: RefuseReason; message: string; seen?: Seen }
  | { status: 'missing'; message: string }

const NOTHING = Buffer.alloc(0)

export function emptySegment(claim: Claim, from: number, lineNo: number, next: Next): Segment {
  return {
    claim,
    from,
    to: from,
    lineNo,
    copy: NOTHING,
    offsets: [],
    rewritten: new Map(),
    rejects: [],
    linesBlank: 0,
    tail: null,
    columns: null,
    bytes: 0,
    next,
  }
}

/** The lines of `copy`, each with its LF. For the ways of loading that look at single rows. */
export function linesOf({ copy }: Segment): string[] {
  return copy.toString().match(/[^\n]*\n/g) ?? []
}
