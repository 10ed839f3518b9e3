import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Chance, seedOf } from '../support/chance.ts'
import { freshFolders } from '../support/folders.ts'
import { anEvent } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { HEADER } from './claimed.ts'
import { accounted, ingestOnce } from './once.ts'

const FILES = 300
const ROWS = 60

/** Flips bits, cuts pieces out, and puts pieces of elsewhere in, header and all. */
function spoil(content: Buffer, chance: Chance): Buffer {
  let spoilt = Buffer.from(content)
  for (let left = chance.whole(1, 12); left > 0; left--) {
    // The header is spared mostly: a file without a good one is refused, and no test of its lines.
    const at = () =>
      chance.whole(chance.whole(0, 30) === 0 ? 0 : HEADER.length + 1, spoilt.length - 1)
    const [from, to, there] = [at(), at(), at()]
    const piece = spoilt.subarray(from, from + (Math.abs(to - from) % 200))
    switch (chance.whole(0, 4)) {
      case 0:
        spoilt[from]! ^= 1 << chance.whole(0, 7)
        break
      case 1:
        spoilt = Buffer.concat([spoilt.subarray(0, from), spoilt.subarray(from + piece.length)])
        break
      case 2:
        spoilt = Buffer.concat([spoilt.subarray(0, there), piece, spoilt.subarray(there)])
        break
      case 3:
        spoilt = Buffer.concat([
          spoilt.subarray(0, from),
          Buffer.from(chance.pick(['"', '\n', '\r', ',', '\0', '\\', '\ufeff', '\x1a', '""'])),
          spoilt.subarray(from),
        ])
        break
      default:
        spoilt.fill(chance.whole(0, 255), from, from + (piece.length % 9))
    }
    if (spoilt.length < HEADER.length + 2) return Buffer.from(content)
  }
  return spoilt
}

test('73: of files with flipped bits and spliced pieces no line is lost, and what is whole loads', async () => {
  const chance = new Chance(seedOf('fuzzed files'))
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const spoilt = new Map<string, string[]>()
  const whole = new Map<string, string>()
  for (let file = 0; file < FILES; file++) {
    const lines = Array.from({ length: ROWS }, () => anEvent(chance).join(','))
    for (const line of lines) whole.set(line, line.slice(0, 36))
    const content = spoil(Buffer.from(`${HEADER}\n${lines.join('\n')}\n`), chance)
    await folders.drop(`fuzz-${file}.csv`, content)
    const found = content.toString('latin1').split('\n')
    if (found.at(-1) === '') found.pop()
    spoilt.set(`fuzz-${file}.csv`, found)
  }
  const { code } = await ingestOnce(database, folders, {
    env: { INGEST_BATCH_ROWS: String(chance.whole(1, 3_000)) },
  })
  expect([0, 3]).toContain(code)
  expect(await accounted(database)).toEqual([])
  expect(readdirSync(folders.input)).toEqual([])

  const files = await database.query<{ file_name: string; status: string; line_no: number }>(
    'select file_name, status, line_no from ingest_files',
  )
  expect(files).toHaveLength(FILES)
  const done = files.filter(({ status }) => status === 'done')
  expect(done.length).toBeGreaterThan(FILES / 2)
  for (const { file_name, line_no } of done)
    expect([file_name, line_no]).toEqual([file_name, spoilt.get(file_name)!.length])

  // Every reject has the very bytes of its line.
  const rejects = await database.query<{ file_name: string; line_no: number; raw_line: Buffer }>(
    'select file_name, e.line_no, raw_line from user_activity_errors e join ingest_files using (file_id)',
  )
  expect(rejects.length).toBeGreaterThan(100)
  const wrong = rejects.filter(
    ({ file_name, line_no, raw_line }) =>
      raw_line.toString('latin1') !== spoilt.get(file_name)![line_no - 1]!.replace(/\r$/, ''),
  )
  expect(wrong).toEqual([])

  // Every line that nothing befell is there, and every row comes of a line of its own file.
  const rows = await database.query<{ event_id: string; file_name: string; line_no: number }>(
    'select event_id::text, file_name, u.line_no from user_activity u join ingest_files using (file_id)',
  )
  const ids = new Set(rows.map(({ event_id }) => event_id))
  const lost = done.flatMap(({ file_name }) =>
    spoilt
      .get(file_name)!
      .flatMap(line => (whole.has(line) && !ids.has(whole.get(line)!) ? [line] : [])),
  )
  expect(lost).toEqual([])
  for (const { event_id, file_name, line_no } of rows)
    if (!spoilt.get(file_name)![line_no - 1]!.toLowerCase().includes(event_id))
      throw new Error(`${event_id} is not in ${file_name} line ${line_no}`)
})
