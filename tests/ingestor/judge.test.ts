import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { segments } from '../../services/ingestor/judge.ts'
import type { Segment } from '../../services/ingestor/segment.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import {
  claimAfter,
  claimOn,
  HEADER,
  type Judged,
  judgeContent,
  judging,
  sumUp,
} from './claimed.ts'
import { files, idOf, type WrittenFile, write } from './lines.ts'

const LIMIT = 256
const KEPT_BYTES = 256

let folders: Folders
beforeEach(async () => {
  folders = await freshFolders()
})

/** Every line met its fate, at its place, once, and its bytes were kept. */
function expectFates(judged: Judged, file: WrittenFile): void {
  assert.deepEqual(judged.next.status, 'done')
  assert.equal(judged.to, file.content.length)
  const at = (lineNo: number) => file.lines.find(line => line.lineNo === lineNo)
  for (const line of file.lines) {
    const reject = judged.rejects.get(line.lineNo)
    if (line.fate === 'accepted') {
      assert.equal(reject, undefined, `line ${line.lineNo}: ${reject?.message}`)
      assert.equal(judged.offsets.get(line.lineNo), line.offset)
    } else if (line.fate !== 'blank') {
      assert.equal(reject?.reason, line.fate, `line ${line.lineNo}`)
      assert.equal(reject!.byteOffset, line.offset)
      const kept = line.fate === 'line_too_long' ? line.bytes.subarray(0, KEPT_BYTES) : line.bytes
      assert.ok(reject!.raw.equals(kept), `line ${line.lineNo}: its bytes were not kept`)
      if (line.fate === 'line_too_long')
        assert.equal(
          reject!.message,
          `expected a line of at most ${LIMIT} bytes, found ${line.bytes.length}; only its first ${KEPT_BYTES} bytes are kept here`,
        )
    }
  }
  const count = (fate: string) => file.lines.filter(line => line.fate === fate).length
  assert.equal(judged.blank, count('blank'))
  assert.equal(judged.rows.size, count('accepted'))
  assert.equal(judged.rows.size + judged.rejects.size + judged.blank, file.lines.length)
  for (const lineNo of judged.rows.keys()) assert.ok(at(lineNo))
}

describe('judging a file', () => {
  test('every line meets its fate at its exact place, however the file is cut into segments', () => {
    fc.assert(
      fc.property(files(LIMIT, 60), fc.integer({ min: 1, max: 80 }), (file, batchRows) => {
        expectFates(
          judgeContent(folders.input, file.content, { maxLineBytes: LIMIT, batchRows }),
          file,
        )
      }),
      { numRuns: 200 },
    )
  })

  test('a file that was committed at any place is judged on as if it had never been left', () => {
    const path = join(folders.input, 'resumed.csv')
    fc.assert(
      fc.property(
        files(LIMIT, 40),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (file, batchRows, pick) => {
          writeFileSync(path, file.content)
          const reading = judging(folders.input, { maxLineBytes: LIMIT, batchRows })
          const whole = [...segments(claimOn('resumed.csv'), reading)]
          const first = whole.slice(0, pick % whole.length)
          const claim = claimAfter(claimOn('resumed.csv'), first)
          const rest = [...segments(claim, reading)]
          expectFates(sumUp([...first, ...rest]), file)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('a file that grows while it is judged gives no line before its end is there', () => {
    const path = join(folders.input, 'growing.csv')
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
    fc.assert(
      fc.property(files(LIMIT, 30), cuts, (file, at) => {
        writeFileSync(path, '')
        let claim = claimOn('growing.csv')
        const judged: Segment[] = []
        let written = 0
        const judge = (settleMs: number) => {
          const part = [
            ...segments(claim, judging(folders.input, { maxLineBytes: LIMIT, settleMs })),
          ]
          judged.push(...part)
          claim = claimAfter(claim, part)
          return part.at(-1)!.next.status
        }
        for (const cut of [...at.sort((a, b) => a - b), 1]) {
          const to = Math.floor(cut * file.content.length)
          appendFileSync(path, file.content.subarray(written, to))
          written = to
          assert.equal(judge(1_000), 'pending')
          assert.ok(claim.byteOffset === 0 || file.content[claim.byteOffset - 1] === 10)
        }
        judge(0)
        expectFates(sumUp(judged), file)
      }),
      { numRuns: 150 },
    )
  })

  test.each(['\n', '\r\n'] as const)(
    'a line of exactly the limit is judged by what is in it, wherever a chunk of the file ends (%j)',
    end => {
      const long = (size: number) => Buffer.alloc(size, 'x')
      // What a first read takes in ends at each of the bytes around the line's end.
      const chunk = 2 * 256 + LIMIT + 1 + 256 * 1024
      for (const [size, reason] of [
        [LIMIT, 'column_count'],
        [LIMIT + 1, 'line_too_long'],
      ] as const) {
        for (let cut = -2; cut <= 3; cut++) {
          const blank = chunk + cut - size - HEADER.length - 1 - 1
          const judged = judgeContent(
            folders.input,
            Buffer.concat([
              Buffer.from(`${HEADER}\n${'\n'.repeat(blank)}`),
              long(size),
              Buffer.from(`${end}${idOf(1)},2026-01-02 07:15:22,view,1,9.99,2,s\n`),
            ]),
            { maxLineBytes: LIMIT },
          )
          expect([...judged.rejects.values()].map(reject => reject.reason)).toEqual([reason])
          expect(judged.rows.size).toBe(1)
        }
      }
    },
  )

  test('what is kept of an over-long line at the end of a file is of that line alone', () => {
    const secret = Buffer.alloc(64 * 1024, 'memory of another file ')
    judgeContent(folders.input, Buffer.concat([Buffer.from(`${HEADER}\n`), secret]), {
      maxLineBytes: 4096,
    })
    const file = write(`${HEADER}\n`, [
      { bytes: Buffer.alloc(300, 'x'), end: '', fate: 'line_too_long' },
    ])
    expectFates(judgeContent(folders.input, file.content, { maxLineBytes: LIMIT }), file)
  })

  test('columns in any order come to the same rows as in the usual one', () => {
    const names = HEADER.split(',')
    const fields = [idOf(1), '2026-01-02 07:15:22', 'view', '3', '9.99', '5', 'a b']
    const [usual] = judgeContent(folders.input, `${names}\n${fields}\n`).rows.values()
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }), order => {
        const by = (values: string[]) => order.map(index => values[index])
        const judged = judgeContent(folders.input, `${by(names)}\n${by(fields)}\n`)
        assert.deepEqual([...judged.rows.values()], [usual])
      }),
      { numRuns: 60 },
    )
  })

  test('a broken file of any bytes at all loses no byte and no line', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }).map(Buffer.from),
      fc.string({ unit: 'binary', maxLength: 1_000 }).map(text => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, body => {
        const content = Buffer.concat([Buffer.from(`${HEADER}\n`), body])
        const judged = judgeContent(folders.input, content)
        const lines = content.toString('latin1').split('\n')
        if (lines.at(-1) === '') lines.pop()
        assert.equal(judged.to, content.length)
        assert.equal(judged.lineNo, lines.length)
        assert.equal(judged.rows.size + judged.rejects.size + judged.blank + 1, lines.length)
        for (const reject of judged.rejects.values()) {
          const line = lines[reject.lineNo - 1]!.replace(/\r$/, '').slice(0, LIMIT)
          assert.equal(reject.raw.toString('latin1', 0, LIMIT), line)
        }
      }),
      { numRuns: 300 },
    )
  })
})
