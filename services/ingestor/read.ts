import { hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Claim } from './claim.ts'
import { HeldFolder } from './held-folder.ts'

/** Bytes kept before the place that was read to, to tell the same file from another one. */
export const TAIL_BYTES = 256
const CHUNK_BYTES = 256 * 1024
const KEPT_OF_OVERLONG_BYTES = 8 * 1024
/** A file that ends inside a line is more likely unfinished than one that ends after one. */
const OPEN_LINE_SETTLE_FACTOR = 5

/** Whole lines as they stand in the file; only a file's very last line may lack its end. */
export interface Lines {
  kind: 'lines'
  /** What was read lately, valid until the next piece is pulled; the lines are [start, end) of it. */
  window: Buffer
  start: number
  end: number
  /** Offset in the file of `window[start]`. */
  offset: number
  /** What the file looked like when it was opened. */
  seen: Seen
}

/** One line longer than the limit; only its beginning is kept. */
export interface Overlong {
  kind: 'overlong'
  head: Buffer
  offset: number
  /** Bytes of the line, its end included. */
  length: number
  /** Its last bytes, its end included, for the checkpoint. */
  tail: Buffer
  seen: Seen
}

export type Piece = Lines | Overlong

/** Why reading ended, and what the file looked like then. */
export type End =
  | { kind: 'settled'; seen: Seen }
  | { kind: 'unsettled'; seen: Seen; stillMs: number; waitMs: number }
  | { kind: 'changed'; message: string }

export interface Seen {
  sizeBytes: number
  mtimeNs: bigint
  inode: bigint
}

export interface Reading {
  inputDir: string
  maxLineBytes: number
  settleMs: number
  /** Monotonic milliseconds. */
  now: () => number
}

/**
 * Reads a claimed file from its checkpoint to its present end, a chunk at a time and synchronously:
 * from the page cache a read costs less than handing it to a thread, and the loop breathes between
 * batches. Neither follows a link nor blocks on a FIFO.
 * @returns whether the end is the end: see `settleMs`
 * @throws what `open` and `read` throw, with its code
 */
export function* pieces(claim: Claim, reading: Reading): Generator<Piece, End> {
  const fd = openIn(reading.inputDir, claim.fileName)
  const buffer = takeBuffer(reading.maxLineBytes)
  try {
    return yield* readOn(fd, buffer, claim, reading)
  } finally {
    spareBuffers.push(buffer)
    closeSync(fd)
  }
}

function openIn(inputDir: string, fileName: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const folder = new HeldFolder(inputDir)
  try {
    return openSync(folder.at(fileName), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } finally {
    folder.close()
  }
}

function* readOn(
  fd: number,
  buffer: Buffer,
  claim: Claim,
  reading: Reading,
): Generator<Piece, End> {
  const opened = { at: reading.now(), seen: look(fd) }
  const { seen } = opened
  let end = resumeAt(fd, claim, buffer)
  if (end < 0) return changed(claim.byteOffset)
  // buffer[0, line) is the tail of what was handed out, buffer[line, end) the beginning of a line.
  let line = end
  let read = claim.byteOffset
  let skipped: { head: Buffer; offset: number } | null = null

  for (;;) {
    const keep = Math.max(0, line - TAIL_BYTES)
    buffer.copyWithin(0, keep, end)
    end -= keep
    line -= keep
    const got = readAfter(fd, buffer, end, read)
    if (got < 0) return changed(read)
    if (got === 0) break
    read += got
    const from = end
    end += got

    if (skipped) {
      const stop = buffer.subarray(from, end).indexOf(10)
      if (stop < 0) {
        line = end
        continue
      }
      line = from + stop + 1
      const offset = read - (end - line)
      yield {
        kind: 'overlong',
        ...skipped,
        length: offset - skipped.offset,
        tail: tailAt(buffer, line),
        seen,
      }
      skipped = null
    }
    const stop = buffer.subarray(0, end).lastIndexOf(10) + 1
    if (stop > line) {
      yield {
        kind: 'lines',
        window: buffer,
        start: line,
        end: stop,
        offset: read - (end - line),
        seen,
      }
      line = stop
    }
    // One byte more may still be the CR of its end.
    if (end - line > reading.maxLineBytes + 1) {
      skipped = {
        head: headOf(buffer.subarray(line, end), reading.maxLineBytes),
        offset: read - (end - line),
      }
      line = end
    }
  }

  const verdict = judgeEnd(fd, claim, reading, opened, read, end > line || skipped !== null)
  if (verdict.kind === 'settled') {
    if (skipped)
      yield {
        kind: 'overlong',
        ...skipped,
        length: read - skipped.offset,
        tail: tailAt(buffer, end),
        seen,
      }
    else if (end > line)
      yield { kind: 'lines', window: buffer, start: line, end, offset: read - (end - line), seen }
  }
  return verdict
}

/**
 * What is kept of a line that is longer than the limit: never more than the limit itself, so that it
 * does not depend on how much of the line happened to be in memory.
 */
export function headOf(line: Buffer, maxLineBytes: number): Buffer {
  return Buffer.from(line.subarray(0, Math.min(KEPT_OF_OVERLONG_BYTES, maxLineBytes)))
}

/** SHA-256 of the bytes before a checkpoint, and how many they are. */
export function tailHash(tail: Buffer): { bytes: number; hash: Buffer } {
  return { bytes: tail.length, hash: hash('sha256', tail, 'buffer') }
}

export function tailAt(window: Buffer, end: number): Buffer {
  return window.subarray(Math.max(0, end - TAIL_BYTES), end)
}

export function look(fd: number): Seen & { links: number } {
  const stat = fstatSync(fd, { bigint: true })
  if (!stat.isFile()) throw Object.assign(new Error('not a regular file'), { code: 'ENOTREG' })
  return {
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    inode: stat.ino,
    links: Number(stat.nlink),
  }
}

/** For how many milliseconds a file has looked as it does now: 0 if it was seen otherwise before. */
export function stillFor(seen: Seen, claim: Claim, now: number): number {
  return same(seen, claim.seen) ? claim.stillMs + now - claim.claimedAt : 0
}

export function same(a: Seen, b: Seen): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.inode === b.inode
}

// One a file would be the most of a small file's cost. At most as many are kept as files were ever
// open at once: one a lane.
const spareBuffers: Buffer[] = []

function takeBuffer(maxLineBytes: number): Buffer {
  const bytes = 2 * TAIL_BYTES + maxLineBytes + 1 + CHUNK_BYTES
  const spare = spareBuffers.pop()
  return spare?.length === bytes ? spare : Buffer.allocUnsafeSlow(bytes)
}

/** Puts the bytes before the checkpoint in front of the buffer; -1 where they are not what they were. */
function resumeAt(fd: number, claim: Claim, buffer: Buffer): number {
  if (claim.byteOffset === 0) return 0
  const { tailBytes, tailHash: expected } = claim
  const got = readFully(fd, buffer.subarray(0, tailBytes), claim.byteOffset - tailBytes)
  if (got < tailBytes || !expected) return -1
  return tailHash(buffer.subarray(0, tailBytes)).hash.equals(expected) ? tailBytes : -1
}

/**
 * Reads what follows, and the bytes before it once more: a file that was truncated or overwritten
 * in place between two reads shows it there.
 * @returns bytes read; -1 where the bytes before are no longer what they were
 */
function readAfter(fd: number, buffer: Buffer, end: number, position: number): number {
  const again = Math.min(TAIL_BYTES, end)
  const before = Buffer.from(buffer.subarray(end - again, end))
  const got = readFully(fd, buffer.subarray(end - again), position - again)
  if (got < again || !before.equals(buffer.subarray(end - again, end))) return -1
  return got - again
}

// One read may give less than there is, on a file server above all: only nothing is the end.
function readFully(fd: number, into: Buffer, position: number): number {
  let got = 0
  while (got < into.length) {
    const more = readSync(fd, into, got, into.length - got, position + got)
    if (more === 0) break
    got += more
  }
  return got
}

function judgeEnd(
  fd: number,
  claim: Claim,
  reading: Reading,
  opened: { at: number; seen: Seen },
  read: number,
  openLine: boolean,
): End {
  const { links, ...seen } = look(fd)
  if (seen.sizeBytes < read) return changed(read)
  if (seen.sizeBytes > read) return { kind: 'unsettled', seen, stillMs: 0, waitMs: 0 }
  const now = reading.now()
  const stillMs = Math.max(
    stillFor(seen, claim, now),
    same(seen, opened.seen) ? now - opened.at : 0,
  )
  const settleMs = reading.settleMs * (openLine ? OPEN_LINE_SETTLE_FACTOR : 1)
  // A file without a name can be appended to by nobody who comes later.
  if (links === 0 || stillMs >= settleMs) return { kind: 'settled', seen }
  return { kind: 'unsettled', seen, stillMs, waitMs: settleMs - stillMs }
}

function changed(at: number): End {
  return {
    kind: 'changed',
    message: `byte ${at}: the bytes before it are not those that were read: the file was replaced or truncated; its new content is ingested as a new generation`,
  }
}
