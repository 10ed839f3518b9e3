import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HEADER } from '../ingestor/claimed.ts'
import { idOf } from '../ingestor/lines.ts'
import { peakMemory } from '../ingestor/memory.ts'
import { accounted, startOnce } from '../ingestor/once.ts'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase } from '../support/postgres.ts'

test('40: 100,000 tiny files, a third of them with a row, are all done', {
  timeout: 600_000,
}, async () => {
  const FILES = 100_000
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const contents = ['', `${HEADER}\n`]
  for (let n = 0; n < FILES; n++) {
    const row = `${HEADER}\n${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s\n`
    writeFileSync(join(folders.input, `tiny-${n}.csv`), contents[n % 3] ?? row)
  }
  const startedAt = performance.now()
  const { code, peakMiB } = await peakMemory(startOnce(database, folders), 500_000)
  const seconds = (performance.now() - startedAt) / 1000
  console.log(
    `${FILES} files in ${seconds.toFixed(1)} s, at most ${Math.round(peakMiB)} MiB resident`,
  )
  expect(code).toBe(0)
  expect(
    await database.value('select count(*) from ingest_files where archived_at is not null'),
  ).toBe(FILES)
  expect(await database.value('select count(*) from user_activity')).toBe(Math.floor(FILES / 3))
  expect(readdirSync(folders.input)).toEqual([])
  expect(await accounted(database)).toEqual([])
})
