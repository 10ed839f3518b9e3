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
  /** Accepted lines as tuples of COPY's binary format: the seven fields, `file_id`, `line_no`. */
  copy: Buffer
  /** Offset in the file of the line of each tuple. */
  offsets: number[]
  /** The bytes of the file from `from` to `to`; rejects and lines are cut out of it. */
  source: Buffer
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
    source: NOTHING,
    offsets: [],
    rejects: [],
    linesBlank: 0,
    tail: null,
    columns: null,
    bytes: 0,
    next,
  }
}

/** The line that begins at an offset of the file, without its LF or CRLF. */
export function lineAt({ source, from }: Segment, offset: number): Buffer {
  const line = source.subarray(offset - from)
  const stop = line.indexOf(0x0a)
  const end = stop < 0 ? line.length : stop
  return line.subarray(0, line[end - 1] === 0x0d ? end - 1 : end)
}
