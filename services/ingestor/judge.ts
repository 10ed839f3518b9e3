import { judgeHeader } from '../contract/dialect.ts'
import { COLUMNS, type Column } from '../contract/event.ts'
import type { Claim } from './claim.ts'
import { Marks, markCommon } from './common-line.ts'
import { type LineFault, parseLine } from './parse.ts'
import {
  type End,
  headOf,
  type Lines,
  type Overlong,
  type Piece,
  pieces,
  type Reading,
  type Seen,
  stillFor,
  tailAt,
  tailHash,
} from './read.ts'
import { emptySegment, lineAt, type Next, type Reject, type Segment } from './segment.ts'
import { Slab } from './slab.ts'
import { TupleWriter } from './tuple.ts'
import { type Validated, validate } from './validate.ts'

const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const IN_WORK: Next = { status: 'active' }

// Used again and again; empty but while a block is judged.
const tuples = new TupleWriter()
const fields = new Marks()
const sources = new Slab()

export interface Judging extends Reading {
  batchRows: number
  /** Told how many milliseconds reading took, once a chunk. */
  onRead?: (ms: number) => void
}

/**
 * A claimed file as a sequence of segments, each line of it judged; the last segment says how the
 * file stands at its end. A fault of the file itself is told there, never thrown.
 */
export function* segments(claim: Claim, judging: Judging): Generator<Segment> {
  const course: Course = {
    claim,
    judging,
    lineNo: claim.lineNo,
    offset: claim.byteOffset,
    columns: claim.columns,
  }
  try {
    const end = yield* linesJudged(course)
    yield emptySegment(claim, course.offset, course.lineNo, afterEnd(end))
  } catch (error) {
    yield emptySegment(
      claim,
      course.offset,
      course.lineNo,
      error instanceof BadHeader
        ? afterBadHeader(error, course)
        : afterFault(error as NodeJS.ErrnoException),
    )
  }
}

interface Course {
  readonly claim: Claim
  readonly judging: Judging
  /** Lines and bytes of the file that are judged. */
  lineNo: number
  offset: number
  columns: Column[] | null
}

class BadHeader extends Error {
  readonly seen: Seen

  constructor(message: string, seen: Seen) {
    super(message)
    this.seen = seen
  }
}

function* linesJudged(course: Course): Generator<Segment, End> {
  const reader: Generator<Piece, End> = pieces(course.claim, course.judging)
  try {
    for (;;) {
      const step = pulled(reader, course.judging)
      if (step.done) return step.value
      if (step.value.kind === 'overlong') yield overlongRejected(course, step.value)
      else yield* blockJudged(course, step.value)
    }
  } finally {
    reader.return(undefined as never)
  }
}

function pulled(reader: Generator<Piece, End>, { now, onRead }: Judging) {
  const begunAt = now()
  const step = reader.next()
  onRead?.(now() - begunAt)
  return step
}

function* blockJudged(course: Course, lines: Lines): Generator<Segment> {
  const source = sources.copyOf(lines.window.subarray(lines.start, lines.end))
  let at = 0
  while (at < source.length) {
    const segment = emptySegment(course.claim, course.offset, course.lineNo, IN_WORK)
    segment.source = source.subarray(at)
    at += course.columns === null ? headerJudged(course, segment, lines.seen) : 0
    at = rowsJudged(course, segment, source, lines.offset, at)
    segment.copy = tuples.take()
    segment.to = lines.offset + at
    segment.lineNo = course.lineNo
    segment.tail = tailHash(tailAt(lines.window, lines.start + at))
    segment.bytes = segment.to - segment.from + segment.copy.length
    course.offset = segment.to
    yield segment
  }
}

/**
 * Judges lines from `at` on until the block or the batch is full.
 * @param offset of the block in the file
 * @returns where it stopped
 */
function rowsJudged(
  course: Course,
  segment: Segment,
  block: Buffer,
  offset: number,
  at: number,
): number {
  const { fileId } = course.claim
  const usual = course.columns!.every((column, index) => column === COLUMNS[index])
  let left = course.judging.batchRows
  while (at < block.length && left-- > 0) {
    if (usual && markCommon(block, at, fields)) {
      tuples.write(block, fields, fileId, ++course.lineNo)
      segment.offsets.push(offset + at)
      at = fields.next
    } else {
      lineJudged(course, segment, offset + at)
      at = afterLine(block, at)
    }
  }
  return at
}

/** The line that is not of the common form: the parser and the schema have the word. */
function lineJudged(course: Course, segment: Segment, byteOffset: number): void {
  const line = lineAt(segment, byteOffset)
  course.lineNo++
  if (line.length === 0) {
    segment.linesBlank++
    return
  }
  const verdict = judgeLine(line, course)
  if (verdict.ok) {
    tuples.writeEvent(verdict.event, course.claim.fileId, course.lineNo)
    segment.offsets.push(byteOffset)
    return
  }
  const { reason, message } = verdict
  const column = 'column' in verdict ? verdict.column : null
  const raw = 'raw' in verdict ? verdict.raw : line
  segment.rejects.push(reject(course, { byteOffset, reason, column, message, raw }))
}

function afterLine(block: Buffer, at: number): number {
  return block.indexOf(0x0a, at) + 1 || block.length
}

function judgeLine(line: Buffer, course: Course): TooLong | LineFault | Validated {
  const limit = course.judging.maxLineBytes
  if (line.length > limit) return tooLong(limit, line.length, headOf(line, limit))
  const parsed = parseLine(line)
  return parsed.ok ? validate(parsed.fields, course.columns!) : parsed
}

function overlongRejected(course: Course, piece: Overlong): Segment {
  const { offset, head, length, tail } = piece
  const limit = course.judging.maxLineBytes
  const bytes = length - endBytes(tail)
  if (course.columns === null) throw longHeader(limit, bytes, piece.seen)
  const segment = emptySegment(course.claim, course.offset, ++course.lineNo, IN_WORK)
  const { reason, message, raw } = tooLong(limit, bytes, head)
  segment.rejects.push(reject(course, { byteOffset: offset, reason, column: null, message, raw }))
  segment.to = course.offset = offset + length
  segment.tail = tailHash(tail)
  segment.bytes = head.length
  return segment
}

/** @returns the bytes that it takes */
function headerJudged(course: Course, segment: Segment, seen: Seen): number {
  const line = lineAt(segment, segment.from)
  const limit = course.judging.maxLineBytes
  if (line.length > limit) throw longHeader(limit, line.length, seen)
  const bare = line.subarray(0, 3).equals(BOM) ? line.subarray(3) : line
  const parsed = parseLine(bare)
  if (!parsed.ok) throw new BadHeader(`line 1: expected a header; ${parsed.message}`, seen)
  const header = judgeHeader(parsed.fields)
  if (!header.ok) throw new BadHeader(header.message, seen)
  course.columns = segment.columns = header.columns
  course.lineNo = 1
  return afterLine(segment.source, 0)
}

function longHeader(limit: number, found: number, seen: Seen): BadHeader {
  return new BadHeader(`line 1: expected a header of at most ${limit} bytes, found ${found}`, seen)
}

function reject(course: Course, rest: Omit<Reject, 'fileId' | 'lineNo'>): Reject {
  return { fileId: course.claim.fileId, lineNo: course.lineNo, ...rest }
}

interface TooLong extends LineFault {
  raw: Buffer
}

function tooLong(limit: number, found: number, raw: Buffer): TooLong {
  const message = `expected a line of at most ${limit} bytes, found ${found}; only its first ${raw.length} bytes are kept here`
  return { ok: false, reason: 'line_too_long', message, raw }
}

/** Bytes that a line's end takes: `lineAt`, where only the last bytes of the line are in memory. */
function endBytes(tail: Buffer): number {
  return /\r?\n?$/.exec(tail.toString('latin1'))![0].length
}

function afterEnd(end: End): Next {
  switch (end.kind) {
    case 'settled':
      return { status: 'done', seen: end.seen }
    case 'unsettled':
      return { status: 'pending', waitMs: end.waitMs, seen: end.seen, stillMs: end.stillMs }
    case 'changed':
      return { status: 'refused', reason: 'changed', message: end.message }
  }
}

const RETRY_READ_MS = 5_000

// A file that is still being written is refused, and moved away, only when it stands still.
function afterBadHeader({ message, seen }: BadHeader, { claim, judging }: Course): Next {
  const stillMs = stillFor(seen, claim, judging.now())
  return stillMs >= judging.settleMs
    ? { status: 'refused', reason: 'bad_header', message, seen }
    : { status: 'pending', waitMs: judging.settleMs - stillMs, seen, stillMs }
}

function afterFault(error: NodeJS.ErrnoException): Next {
  switch (error.code) {
    case 'ENOENT':
      return { status: 'missing', message: 'the file is no longer in the input folder' }
    case 'ELOOP':
    case 'ENXIO':
    case 'ENOTREG':
      return {
        status: 'refused',
        reason: 'not_regular_file',
        message: 'expected a regular file, found something else in its place',
      }
    case 'NOT_A_NAME':
      return { status: 'refused', reason: 'bad_name', message: error.message }
    case undefined:
      throw error
    default:
      return {
        status: 'pending',
        waitMs: RETRY_READ_MS,
        message: `cannot be read (${error.code}); tried again every ${RETRY_READ_MS / 1000} s`,
      }
  }
}
