import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Chance, seedOf } from '../support/chance.ts'
import { freshFolders } from '../support/folders.ts'
import { anEvent } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { HEADER } from './claimed.ts'
import { accounted, ingestOnce } from './once.ts'
import { verdictOn } from './referee.ts'

/** Of the long run; see `npm run test:faults`. */
const FILES = Number(process.env.TEST_FUZZ_FILES ?? 300)
const ROWS = Number(process.env.TEST_FUZZ_ROWS ?? 60)
/** What one run of the command is given, and this test has in memory. */
const FILES_A_ROUND = 300
/** Of one run of the command, at most: it is given a minute. */
const TRANSACTIONS = 6_000

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

test('73: of files with flipped bits and spliced pieces no line is lost, and what is whole loads', {
  timeout: 60_000 + FILES * 500,
}, async () => {
  const chance = new Chance(seedOf(`${FILES} fuzzed files of ${ROWS} rows`))
  for (let left = FILES; left > 0; left -= FILES_A_ROUND) {
    await fuzzed(Math.min(left, FILES_A_ROUND), chance)
  }
})

async function fuzzed(files: number, chance: Chance): Promise<void> {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const spoilt = new Map<string, string[]>()
  const whole = new Map<string, string>()
  for (let file = 0; file < files; file++) {
    const lines = Array.from({ length: ROWS }, () => anEvent(chance).join(','))
    for (const line of lines) whole.set(line, line.slice(0, 36))
    const content = spoil(Buffer.from(`${HEADER}\n${lines.join('\n')}\n`), chance)
    await folders.drop(`fuzz-${file}.csv`, content)
    const found = content.toString('latin1').split('\n')
    if (found.at(-1) === '') found.pop()
    spoilt.set(`fuzz-${file}.csv`, found)
  }
  const fewest = Math.ceil((files * ROWS) / TRANSACTIONS)
  const { code } = await ingestOnce(database, folders, {
    env: { INGEST_BATCH_ROWS: String(chance.whole(fewest, 3_000)) },
  })
  expect([0, 3]).toContain(code)
  expect(await accounted(database)).toEqual([])
  expect(readdirSync(folders.input)).toEqual([])

  const known = await database.query<{ file_name: string; status: string; line_no: number }>(
    'select file_name, status, line_no from ingest_files',
  )
  expect(known).toHaveLength(files)
  const done = known.filter(({ status }) => status === 'done')
  expect(done.length).toBeGreaterThan(files / 2)
  for (const { file_name, line_no } of done)
    expect([file_name, line_no]).toEqual([file_name, spoilt.get(file_name)!.length])

  // Every reject has the very bytes of its line, and the reason that csv-parse and the schema find.
  const rejects = await database.query<Rejected>(
    `select file_name, e.line_no, e.reason, raw_line
       from user_activity_errors e join ingest_files using (file_id)`,
  )
  expect(rejects.length).toBeGreaterThan(files / 3)
  const wrong = rejects.filter(
    ({ file_name, line_no, raw_line }) =>
      raw_line.toString('latin1') !== spoilt.get(file_name)![line_no - 1]!.replace(/\r$/, ''),
  )
  expect(wrong).toEqual([])
  const otherwise = rejects.filter(({ reason, raw_line }) => {
    const verdict = verdictOn(raw_line)
    return reason !== (verdict.ok ? 'id_conflict' : verdict.reason)
  })
  expect(otherwise).toEqual([])

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
  for (const { event_id, file_name, line_no } of rows) {
    const line = spoilt.get(file_name)![line_no - 1]!.replace(/\r$/, '')
    const verdict = verdictOn(Buffer.from(line, 'latin1'))
    if (!verdict.ok || verdict.event.event_id.toLowerCase() !== event_id)
      throw new Error(`${event_id} does not come of ${file_name} line ${line_no}: ${line}`)
  }
  await database.drop()
}

interface Rejected {
  file_name: string
  line_no: number
  reason: string
  raw_line: Buffer
}
