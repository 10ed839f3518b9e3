import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted, ingestOnce } from './once.ts'

const ROWS = 3_000
const content = `${HEADER}\n${Array.from({ length: ROWS }, (_, n) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s${n}\n`).join('')}`

/** Has a process read files through this body of `fs.readSync`; modules are read without a position. */
function reading(read: string): string[] {
  const module = `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const real = fs.readSync
    let call = 0
    let further = 0
    fs.readSync = (fd, buffer, offset, length, position) => {
      call++
      ${read}
    }
    syncBuiltinESMExports()`
  return ['--import', `data:text/javascript,${encodeURIComponent(module)}`]
}

const isArchived = (folders: Folders, name: string) =>
  readdirSync(join(folders.archive)).includes(name)

test('47: reads that give less than was asked for lose nothing and change nothing', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop('short.csv', content)
  const nodeArgs = reading(
    'return real(fd, buffer, offset, Math.min(length, 1 + ((call * 7919) % 3000)), position)',
  )
  const { code, summary } = await ingestOnce(database, folders, {
    nodeArgs,
    env: { INGEST_BATCH_ROWS: '100' },
  })
  expect(summary).toMatchObject({ files: { done: 1, refused: 0 }, rows: { loaded: ROWS } })
  expect(code).toBe(0)
  expect(await accounted(database)).toEqual([])
})

test('47: a read that fails is tried again from the checkpoint', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await folders.drop('failing.csv', content)
  const nodeArgs = reading(`
    if (position > 0 && ++further === 1) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' })
    return real(fd, buffer, offset, Math.min(length, 100_000), position)`)
  startIngestor(database, folders, {}, { nodeArgs })
  await until('the fault is told', async () => {
    const message = await database.value<string | null>('select message from ingest_files')
    return message?.includes('cannot be read (EIO)')
  })
  await until('the file is done', () => isArchived(folders, 'failing.csv'), 20_000)
  expect(
    await database.query('select status, generation, rows_loaded, message from ingest_files'),
  ).toEqual([{ status: 'done', generation: 1, rows_loaded: ROWS, message: null }])
  expect(await accounted(database)).toEqual([])
})
