import assert from 'node:assert/strict'
import { appendFileSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Claim } from '../../services/ingestor/claim.ts'
import { type End, pieces, tailAt, tailHash } from '../../services/ingestor/read.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { claimOn, judging } from './claimed.ts'

const MAX = 256
/** About what one read takes in: see `bufferBytes`. */
const CHUNK = 256 * 1024
const FILE = 'framed.csv'

let folders: Folders
beforeEach(async () => {
  folders = await freshFolders()
})

const path = () => join(folders.input, FILE)

interface Framed {
  end: End
  /** One a line, or one for the rest of a file without a last line end. */
  lines: { offset: number; length: number; overlong: boolean; content: Buffer | null }[]
  /** Where a transaction could have committed, and the bytes before each place. */
  places: { offset: number; tail: { bytes: number; hash: Buffer } }[]
}

/** Pulls all pieces and checks that they follow one another without a gap. */
function frame(claim: Claim = claimOn(FILE), settleMs = 0, onPiece = () => {}): Framed {
  const framed: Framed = { end: null as never, lines: [], places: [] }
  const reader = pieces(claim, judging(folders.input, { maxLineBytes: MAX, settleMs }))
  let at = claim.byteOffset
  for (;;) {
    const step = reader.next()
    if (step.done) return { ...framed, end: step.value }
    const piece = step.value
    assert.equal(piece.offset, at)
    if (piece.kind === 'overlong') {
      framed.lines.push({ offset: at, length: piece.length, overlong: true, content: piece.head })
      at += piece.length
      framed.places.push({ offset: at, tail: tailHash(piece.tail) })
    } else {
      let from = piece.start
      while (from < piece.end) {
        const stop = piece.window.subarray(0, piece.end).indexOf(10, from)
        const to = stop < 0 ? piece.end : stop + 1
        const content = Buffer.from(piece.window.subarray(from, to))
        framed.lines.push({ offset: at, length: to - from, overlong: false, content })
        at += to - from
        framed.places.push({ offset: at, tail: tailHash(tailAt(piece.window, to)) })
        from = to
      }
    }
    onPiece()
  }
}

function expectFramed(content: Buffer, framed: Framed, from = 0): void {
  let at = from
  for (const line of framed.lines) {
    const stop = content.indexOf(10, at)
    const next = stop < 0 ? content.length : stop + 1
    assert.equal(line.offset, at)
    assert.equal(line.length, next - at)
    if (line.overlong) {
      const bare = content.toString('latin1', at, next).replace(/\r?\n$/, '')
      assert.ok(bare.length > MAX)
      assert.equal(content.subarray(at, next).indexOf(line.content!), 0)
    } else {
      assert.ok(content.subarray(at, next).equals(line.content!))
    }
    at = next
  }
  assert.equal(at, content.length)
  for (const { offset, tail } of framed.places) {
    const before = tailHash(content.subarray(Math.max(0, offset - 256), offset))
    assert.equal(tail.bytes, before.bytes)
    assert.ok(tail.hash.equals(before.hash))
  }
}

const lineEnd = fc.constantFrom('\n', '\n', '\r\n', '\r\r\n')
const pieceOfLine = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map(text => Buffer.from(text)),
  },
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)) },
  // Around the limit, where a line turns into an over-long one.
  {
    weight: 4,
    arbitrary: fc.integer({ min: MAX - 3, max: MAX + 3 }).map(size => Buffer.alloc(size, 'a')),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 7_000, max: 9_000 }).map(size => Buffer.alloc(size, 'b')),
  },
)
const content = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.tuple(pieceOfLine, lineEnd), { maxLength: 40 }),
    fc.option(pieceOfLine, { nil: Buffer.alloc(0) }),
  )
  .map(([bom, lines, rest]) =>
    Buffer.concat([
      Buffer.from(bom ? [0xef, 0xbb, 0xbf] : []),
      ...lines.flatMap(([line, end]) => [line, Buffer.from(end)]),
      rest,
    ]),
  )

describe('framing', () => {
  test('every line of a file is framed exactly once, with its exact place', () => {
    fc.assert(
      fc.property(content, bytes => {
        writeFileSync(path(), bytes)
        const framed = frame()
        expect(framed.end.kind).toBe('settled')
        expectFramed(bytes, framed)
      }),
      { numRuns: 300 },
    )
  })

  test('lines that straddle the border of a chunk are framed like any other', () => {
    // The first read ends within these distances of a line's end, its CR and its limit.
    const near = fc.integer({ min: -(MAX + 4), max: MAX + 4 })
    const start = fc
      .tuple(fc.integer({ min: 1, max: 2 }), near)
      .map(([chunks, off]) => chunks * (CHUNK + MAX) + off)
    fc.assert(
      fc.property(start, content, content, (size, before, after) => {
        const filler = Buffer.alloc(Math.max(0, size - before.length), `${'f'.repeat(240)}\n`)
        const bytes = Buffer.concat([before, filler, after, Buffer.from('\n'), before, after])
        writeFileSync(path(), bytes)
        expectFramed(bytes, frame())
      }),
      { numRuns: 40 },
    )
  })

  test.each([1, 2, 5])(
    'a line of %i MB between two others costs one line and little memory',
    megabytes => {
      const bytes = Buffer.concat([
        Buffer.from('first\r\n'),
        Buffer.alloc(megabytes * 1024 * 1024, 'x'),
        Buffer.from('\r\nlast'),
      ])
      writeFileSync(path(), bytes)
      const framed = frame()
      expectFramed(bytes, framed)
      expect(framed.lines.map(({ overlong }) => overlong)).toEqual([false, true, false])
      expect(framed.lines[1]!.content!.length).toBeLessThanOrEqual(8 * 1024)
    },
  )

  test('from any place at which it could have been committed, the rest of a file is the same', () => {
    fc.assert(
      fc.property(content, fc.nat(), (bytes, pick) => {
        writeFileSync(path(), bytes)
        const { places } = frame()
        if (places.length === 0) return
        const { offset, tail } = places[pick % places.length]!
        const claim = claimOn(FILE, {
          byteOffset: offset,
          tailBytes: tail.bytes,
          tailHash: tail.hash,
        })
        const rest = frame(claim)
        expect(rest.end.kind).toBe('settled')
        expectFramed(bytes, rest, offset)
      }),
      { numRuns: 200 },
    )
  })

  test('a file that grows between reads is framed as if it had been whole from the start', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(content, steps, (bytes, sizes) => {
        let written = 0
        const write = () => {
          const size = sizes[written % sizes.length]!
          appendFileSync(path(), bytes.subarray(written, written + size))
          written = Math.min(bytes.length, written + size)
        }
        writeFileSync(path(), '')
        let claim = claimOn(FILE)
        const framed: Framed = { end: null as never, lines: [], places: [] }
        const goOn = (settleMs: number) => {
          const part = frame(claim, settleMs, write)
          framed.lines.push(...part.lines)
          framed.places.push(...part.places)
          const last = part.places.at(-1)
          if (last)
            claim = {
              ...claim,
              byteOffset: last.offset,
              tailBytes: last.tail.bytes,
              tailHash: last.tail.hash,
            }
          return part.end
        }
        while (written < bytes.length) {
          write()
          const end = goOn(1)
          expect(end.kind).toBe('unsettled')
          // Nothing but whole lines before the end of the file is known.
          if (claim.byteOffset > 0) expect(bytes[claim.byteOffset - 1]).toBe(10)
        }
        expect(goOn(0).kind).toBe('settled')
        expectFramed(bytes, framed)
      }),
      { numRuns: 150 },
    )
  })
})

describe('a file that is not what it was', () => {
  const LINES = Buffer.from(
    Array.from({ length: 30_000 }, (_, n) => `line ${n} of many\n`).join(''),
  )
  const resumed = (offset: number): Claim => {
    const tail = tailHash(LINES.subarray(offset - 256, offset))
    return claimOn(FILE, { byteOffset: offset, tailBytes: tail.bytes, tailHash: tail.hash })
  }
  const offset = LINES.indexOf('line 15000')

  test.each<[string, () => void]>([
    ['truncated before the checkpoint', () => truncateSync(path(), offset - 1)],
    ['emptied', () => truncateSync(path(), 0)],
    ['overwritten in place', () => writeFileSync(path(), Buffer.alloc(LINES.length, 'other\n'))],
    [
      'replaced by another file',
      () => {
        writeFileSync(`${path()}.new`, Buffer.alloc(LINES.length, 'another\n'))
        renameSync(`${path()}.new`, path())
      },
    ],
  ])('is told by its bytes before the checkpoint when %s', (_, change) => {
    writeFileSync(path(), LINES)
    change()
    const framed = frame(resumed(offset))
    expect(framed.end).toMatchObject({ kind: 'changed' })
    expect(framed.lines).toEqual([])
  })

  test('is told between two chunks when it is truncated while it is read', () => {
    writeFileSync(path(), LINES)
    let pulled = 0
    const framed = frame(claimOn(FILE), 0, () => {
      if (pulled++ === 0) truncateSync(path(), 1000)
    })
    expect(framed.end.kind).toBe('changed')
  })

  test('is told between two chunks when it is written anew in place while it is read', () => {
    writeFileSync(path(), LINES)
    let pulled = 0
    const framed = frame(claimOn(FILE), 0, () => {
      if (pulled++ === 0) writeFileSync(path(), Buffer.alloc(LINES.length + 10, 'new content\n'))
    })
    expect(framed.end.kind).toBe('changed')
    expect(framed.lines.every(({ content }) => content!.toString().startsWith('line '))).toBe(true)
  })

  test('is read to its end from the open descriptor when it is deleted meanwhile', () => {
    writeFileSync(path(), LINES)
    const framed = frame(claimOn(FILE), 60_000, () => {
      try {
        unlinkSync(path())
      } catch {}
    })
    expect(framed.end.kind).toBe('settled')
    expectFramed(LINES, framed)
  })
})
