import { closeSync, openSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HEADER } from '../ingestor/claimed.ts'
import { idOf } from '../ingestor/lines.ts'
import { peakMemory } from '../ingestor/memory.ts'
import { accounted, startOnce } from '../ingestor/once.ts'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase } from '../support/postgres.ts'

const GIB = 1024 ** 3
const row = (n: number) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s${n}`

test('16 and 55: a line of 1 GB costs one reject and less than 192 MiB', {
  timeout: 120_000,
}, async context => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const { bavail, bsize } = statfsSync(folders.root)
  if (bavail * bsize < 2 * GIB)
    return context.skip('less than 2 GiB are free where tests keep their files')
  const fd = openSync(join(folders.input, 'gigabyte.csv'), 'w')
  writeSync(fd, `${HEADER}\n${row(1)}\n`)
  const part = Buffer.alloc(16 * 1024 ** 2, 'x')
  for (let written = 0; written < GIB; written += part.length) writeSync(fd, part)
  writeSync(fd, `\n${row(2)}\n`)
  closeSync(fd)

  const { code, peakMiB } = await peakMemory(startOnce(database, folders), 100_000)
  console.log(`at most ${Math.round(peakMiB)} MiB resident`)
  expect(code).toBe(0)
  expect(peakMiB).toBeLessThan(192)
  expect(
    await database.query(
      'select line_no, reason, length(raw_line) as kept from user_activity_errors',
    ),
  ).toEqual([{ line_no: 3, reason: 'line_too_long', kept: 8_192 }])
  expect(await database.value('select count(*) from user_activity')).toBe(2)
  expect(await accounted(database)).toEqual([])
})
