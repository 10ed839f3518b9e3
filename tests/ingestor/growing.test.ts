import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as tick } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted } from './once.ts'

const row = (n: number, price = '9.99') =>
  `${idOf(n)},2026-01-02 07:15:22,view,1,${price},2,"session, ${n}"\n`
const rows = (from: number, to: number, price?: string) =>
  Array.from({ length: to - from }, (_, n) => row(from + n, price)).join('')

const stored = (database: TestDatabase) =>
  database.value<number>('select count(*) from user_activity')
const generations = (database: TestDatabase) =>
  database.query(
    'select generation, status, reason, rows_loaded, rows_rejected from ingest_files order by file_id',
  )

async function running(env: Record<string, string> = {}) {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const ingestor = startIngestor(database, folders, { INGEST_SETTLE_SECONDS: '0.3', ...env })
  await ingestor.waitForLog('ready')
  return { database, folders, ingestor }
}

const archived = (folders: Folders, name: string) =>
  until(`${name} in the archive`, () => readdirSync(folders.archive).includes(name), 20_000)

/** No pause of the writer, on a machine that is busy, is taken for the end of the file. */
const PATIENT = { INGEST_SETTLE_SECONDS: '1' }

describe('43: a file that grows slowly', () => {
  test('loads line by line, and no row is ever made of half a line', async () => {
    const { database, folders } = await running(PATIENT)
    const path = join(folders.input, 'slow.csv')
    // Each cut leaves a beginning that would pass for a row, or a quote that is open.
    const last = row(3).trimEnd()
    const parts: [string, loaded: number][] = [
      [HEADER.slice(0, 20), 0],
      [`${HEADER.slice(20)}\n`, 0],
      [row(0) + row(1).slice(0, -12), 1],
      [row(1).slice(-12), 2],
      [row(2).slice(0, row(2).indexOf('"') + 5), 2],
      [
        `${row(2).slice(row(2).indexOf('"') + 5)}${idOf(9)},2026-01-02 07:15:22,view,1,9.99,2,sess`,
        3,
      ],
      [`ion\r`, 3],
      [`\n${last}`, 4],
    ]
    for (const [part, loaded] of parts) {
      appendFileSync(path, part)
      await until(`${loaded} rows`, async () => (await stored(database)) >= loaded)
      // Long enough for a settled file to be finished, were it not for the half line at its end.
      const seen = readFileSync(path).length
      await until('the file to have been looked at again', async () => {
        const [file] = await database.query('select size_bytes, status from ingest_files')
        return file?.size_bytes === seen && file?.status === 'pending'
      })
      expect(await stored(database)).toBe(loaded)
    }
    await archived(folders, 'slow.csv')
    expect(await generations(database)).toEqual([
      { generation: 1, status: 'done', reason: null, rows_loaded: 5, rows_rejected: 0 },
    ])
    expect(
      await database.value(
        'select string_agg(session_id, $1 order by line_no) from user_activity',
        ['|'],
      ),
    ).toBe('session, 0|session, 1|session, 2|session|session, 3')
  })

  test('a large one, copied straight into the folder in pieces, is exact: at no time half a row', async () => {
    const { database, folders } = await running(PATIENT)
    const content = Buffer.from(`${HEADER}\n${rows(0, 60_000)}`)
    const fd = openSync(join(folders.input, 'copied.csv'), 'w')
    const seen: { rows: number; half: number }[] = []
    const sample = async () =>
      seen.push(
        ...(await database.query<{ rows: number; half: number }>(
          `select count(*) as rows, count(*) filter (where session_id <> 'session, ' || (line_no - 2)) as half
             from user_activity`,
        )),
      )
    for (let at = 0; at < content.length; at += 70_001) {
      writeSync(fd, content.subarray(at, at + 70_001))
      if (at % 5 === 0) await sample()
      else await tick()
    }
    closeSync(fd)
    await archived(folders, 'copied.csv')
    await sample()
    expect(seen.reduce((sum, { half }) => sum + half, 0)).toBe(0)
    expect(seen.at(-1)!.rows).toBe(60_000)
    expect(await generations(database)).toEqual([
      { generation: 1, status: 'done', reason: null, rows_loaded: 60_000, rows_rejected: 0 },
    ])
    expect(await accounted(database)).toEqual([])
  })
})

describe('42: a file that becomes another one while it is ingested', () => {
  const replace = (path: string, content: string) => {
    writeFileSync(`${path}.tmp`, content)
    renameSync(`${path}.tmp`, path)
  }
  const other = `${HEADER}\n${rows(1_000, 1_400, '1.00')}`
  test.each<[string, (path: string) => void]>([
    ['replaced by another', path => replace(path, other)],
    ['truncated and written anew in place', path => writeFileSync(path, other)],
    ['truncated, and written anew later', path => truncateSync(path, 0)],
    [
      'deleted and made anew, the inode used again',
      path => {
        unlinkSync(path)
        writeFileSync(path, other)
      },
    ],
  ])('%s: refused as changed, its new content a new generation', async (what, change) => {
    // Longer than a busy machine takes to write what is to come after the truncation.
    const settle = what.endsWith('later') ? '3' : '1'
    const { database, folders } = await running({ INGEST_SETTLE_SECONDS: settle })
    const path = await folders.drop('a.csv', `${HEADER}\n${rows(0, 200)}half a li`)
    await until('the whole lines are loaded', async () => (await stored(database)) === 200)
    change(path)
    await until('it is seen', async () => (await generations(database)).length === 2)
    if (readFileSync(path).length === 0) writeFileSync(path, other)
    await archived(folders, 'a.2.csv')
    expect(await generations(database)).toEqual([
      { generation: 1, status: 'refused', reason: 'changed', rows_loaded: 200, rows_rejected: 0 },
      { generation: 2, status: 'done', reason: null, rows_loaded: 400, rows_rejected: 0 },
    ])
    expect(await accounted(database)).toEqual([])
  })

  test.each(['events', 'polling'])(
    'found empty while nobody may claim it, it is shown to wait as soon as there is something in it (%s)',
    async watch => {
      const [database, folders] = [await freshDatabase(), await freshFolders()]
      await database.query(`select ingest_pause('to look')`)
      const ingestor = startIngestor(database, folders, { INGEST_WATCH: watch })
      await ingestor.waitForLog('ready')
      const path = await folders.drop('copied.csv', '')
      const size = () =>
        database.value("select size_bytes from ingest_files where status = 'pending'")
      await until('the empty file', async () => (await size()) === 0)
      const content = `${HEADER}\n${idOf(1)},2026-01-02 07:15:22,view,1,9.99,2,s\n`
      appendFileSync(path, content)
      await until('its size', async () => (await size()) === content.length)
      await database.query('select ingest_resume()')
      await until(
        'its row',
        async () => (await database.value('select count(*) from user_activity')) === 1,
      )
    },
  )

  test('48: deleted before its end was seen, it is missing, and what was read is kept', async () => {
    const { database, folders } = await running({ INGEST_SETTLE_SECONDS: '1' })
    const path = await folders.drop('a.csv', `${HEADER}\n${rows(0, 200)}half a li`)
    await until('the whole lines are loaded', async () => (await stored(database)) === 200)
    unlinkSync(path)
    await until('it is told', async () => (await generations(database))[0]!.status === 'missing')
    writeFileSync(path, `${HEADER}\n${rows(0, 201)}`)
    await archived(folders, 'a.2.csv')
    expect(await generations(database)).toEqual([
      { generation: 1, status: 'missing', reason: null, rows_loaded: 200, rows_rejected: 0 },
      { generation: 2, status: 'done', reason: null, rows_loaded: 1, rows_rejected: 0 },
    ])
  })

  test('appended to after it was done, it is a new generation: nothing lost, nothing twice', async () => {
    const { database, folders } = await running({
      INGEST_ARCHIVE: 'keep',
      INGEST_SETTLE_SECONDS: '0.05',
    })
    const path = await folders.drop('a.csv', `${HEADER}\n${rows(0, 10)}`)
    await until('it is done', async () => (await generations(database))[0]?.status === 'done')
    appendFileSync(path, rows(10, 20))
    await until('all is done', async () => {
      const files = await generations(database)
      return files.length > 1 && files.every(({ status }) => status === 'done')
    })
    expect(await stored(database)).toBe(20)
    expect(await accounted(database)).toEqual([])
  })
})
