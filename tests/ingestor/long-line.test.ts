import { expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase } from '../support/postgres.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { peakMemory } from './memory.ts'
import { accounted, startOnce } from './once.ts'

const row = (n: number) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s${n}`

test('55: a line of 50 MB is one reject of 8 KiB, and its neighbours load', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const before = `${HEADER}\n${row(1)}\n`
  const length = 50 * 1024 * 1024
  await folders.drop(
    'long.csv',
    Buffer.concat([
      Buffer.from(before),
      Buffer.alloc(length, 'long "line, '),
      Buffer.from(`\r\n${row(2)}\n`),
    ]),
  )
  const { code, peakMiB } = await peakMemory(startOnce(database, folders))
  console.log(`at most ${Math.round(peakMiB)} MiB resident`)
  expect(code).toBe(0)
  expect(
    await database.query(
      'select line_no, byte_offset, reason, error_message, length(raw_line) as kept from user_activity_errors',
    ),
  ).toEqual([
    {
      line_no: 3,
      byte_offset: before.length,
      reason: 'line_too_long',
      error_message: `expected a line of at most 65536 bytes, found ${length}; only its first 8192 bytes are kept here`,
      kept: 8_192,
    },
  ])
  expect(await database.query('select line_no, session_id from user_activity order by 1')).toEqual([
    { line_no: 2, session_id: 's1' },
    { line_no: 4, session_id: 's2' },
  ])
  expect(await accounted(database)).toEqual([])
  expect(peakMiB).toBeLessThan(192)
})
