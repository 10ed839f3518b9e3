import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted, ingestOnce } from './once.ts'

const row = (n: number) => `${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s${n}`
const fileOf = (...rows: string[]) => `${HEADER}\n${rows.map(line => `${line}\n`).join('')}`

/** `/dev/zero` under another name: whoever reads it reads for ever. Only root can make one. */
function madeDevice(path: string): boolean {
  try {
    execFileSync('mknod', [path, 'c', '1', '5'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('40: files with nothing in them', () => {
  test('are done, with no row and no reject', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const contents: Record<string, string> = {
      'empty.csv': '',
      'header.csv': `${HEADER}\n`,
      'header-without-end.csv': HEADER,
      'header-and-blanks.csv': `\ufeff${HEADER}\r\n\r\n\n\n`,
    }
    for (const [name, content] of Object.entries(contents)) await folders.drop(name, content)
    expect(await ingestOnce(database, folders)).toMatchObject({
      code: 0,
      summary: {
        files: { done: 4, refused: 0 },
        rows: { read: 0, loaded: 0, duplicate: 0, rejected: 0 },
      },
    })
    expect(
      await database.query(
        'select file_name, status, line_no, lines_blank from ingest_files order by file_name',
      ),
    ).toEqual([
      { file_name: 'empty.csv', status: 'done', line_no: 0, lines_blank: 0 },
      { file_name: 'header-and-blanks.csv', status: 'done', line_no: 4, lines_blank: 3 },
      { file_name: 'header-without-end.csv', status: 'done', line_no: 1, lines_blank: 0 },
      { file_name: 'header.csv', status: 'done', line_no: 1, lines_blank: 0 },
    ])
    expect(readdirSync(folders.archive).sort()).toEqual(Object.keys(contents).sort())
    expect(await accounted(database)).toEqual([])
  })

  test('and thousands of tiny ones are all done', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const FILES = 3_000
    for (let n = 0; n < FILES; n++)
      writeFileSync(
        join(folders.input, `tiny-${n}.csv`),
        n % 3 === 0 ? '' : n % 3 === 1 ? `${HEADER}\n` : fileOf(row(n)),
      )
    const { code, summary } = await ingestOnce(database, folders)
    expect(code).toBe(0)
    expect(summary).toMatchObject({
      files: { done: FILES },
      rows: { loaded: FILES / 3, rejected: 0 },
    })
    expect(readdirSync(folders.input)).toEqual([])
    expect(readdirSync(folders.archive)).toHaveLength(FILES)
    expect(await accounted(database)).toEqual([])
  })
})

describe('41: the same name again', () => {
  test('with new content is a new generation, loaded once, archived beside the first', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    for (const content of [fileOf(row(1)), fileOf(row(2), row(3)), fileOf(row(4))]) {
      await folders.drop('same.csv', content)
      expect((await ingestOnce(database, folders)).code).toBe(0)
    }
    expect(
      await database.query(
        'select generation, status, rows_loaded, archived_as from ingest_files order by 1',
      ),
    ).toEqual([
      { generation: 1, status: 'done', rows_loaded: 1, archived_as: 'same.csv' },
      { generation: 2, status: 'done', rows_loaded: 2, archived_as: 'same.2.csv' },
      { generation: 3, status: 'done', rows_loaded: 1, archived_as: 'same.3.csv' },
    ])
    expect(readFileSync(join(folders.archive, 'same.2.csv'), 'utf8')).toBe(fileOf(row(2), row(3)))
  })

  test('and the same file, moved back from the archive, is read again: all of it duplicate', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    await folders.drop('back.csv', fileOf(row(1), row(2)))
    await ingestOnce(database, folders)
    renameSync(join(folders.archive, 'back.csv'), join(folders.input, 'back.csv'))
    expect((await ingestOnce(database, folders)).summary.rows).toEqual({
      ...{ read: 2, loaded: 0, duplicate: 2, rejected: 0 },
    })
    expect(readdirSync(folders.archive)).toEqual(['back.2.csv'])
  })

  test('never overwrites what is in the archive under the name it would take', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    writeFileSync(join(folders.archive, 'a.csv'), 'precious')
    writeFileSync(join(folders.archive, 'a.2.csv'), 'dear')
    await folders.drop('a.csv', fileOf(row(1)))
    expect((await ingestOnce(database, folders)).code).toBe(0)
    expect(readFileSync(join(folders.archive, 'a.csv'), 'utf8')).toBe('precious')
    expect(readFileSync(join(folders.archive, 'a.2.csv'), 'utf8')).toBe('dear')
    expect(readFileSync(join(folders.archive, 'a.3.csv'), 'utf8')).toBe(fileOf(row(1)))
  })

  test.each([
    ['keep', 0, 1],
    ['delete', 0, 0],
  ])(
    'INGEST_ARCHIVE=%s: %i files in the archive, %i left in place, loaded once',
    async (mode, archived, left) => {
      const [database, folders] = [await freshDatabase(), await freshFolders()]
      await folders.drop('a.csv', fileOf(row(1)))
      for (const read of [1, 0]) {
        const { code, summary } = await ingestOnce(database, folders, {
          env: { INGEST_ARCHIVE: mode },
        })
        expect([code, summary.rows.read]).toEqual([0, read])
      }
      expect(readdirSync(folders.archive)).toHaveLength(archived)
      expect(readdirSync(folders.input)).toHaveLength(left)
    },
  )
})

describe('44 and 45: what is not a file, and names that are none', () => {
  test('are refused without being opened or followed, named in one escaped line each', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const at = (name: string | Buffer) =>
      Buffer.concat([Buffer.from(`${folders.input}/`), Buffer.from(name as string)])
    mkdirSync(at('folder.csv'))
    writeFileSync(join(folders.root, 'elsewhere.csv'), fileOf(row(1)))
    symlinkSync(join(folders.root, 'elsewhere.csv'), at('link.csv'))
    symlinkSync('/nowhere', at('broken.csv'))
    execFileSync('mkfifo', [join(folders.input, 'fifo.csv')])
    const device = madeDevice(join(folders.input, 'device.csv')) ? ['device.csv'] : []
    const socket = createServer().listen(join(folders.input, 'socket.csv'))
    atTestEnd(() => socket.close())
    const bad: (string | Buffer)[] = [
      'line\nbreak.csv',
      'escape\u001b[31m.csv',
      'back\\slash.csv',
      `${'x'.repeat(251)}.csv`,
      Buffer.from([0xff, 0xfe, 0x2e, 0x63, 0x73, 0x76]),
      'notes.txt',
    ]
    for (const name of bad) writeFileSync(at(name), fileOf(row(2)))
    for (const name of ['.hidden.csv', '_started.csv', 'half.csv.part', 'half.csv.tmp'])
      writeFileSync(at(name), fileOf(row(3)))
    await folders.drop('good.csv', fileOf(row(4)))

    const { code, summary, log } = await ingestOnce(database, folders)
    expect(
      await database.query(
        'select file_name, reason from ingest_files where status = $1 order by reason, file_name collate "C"',
        ['refused'],
      ),
    ).toEqual([
      ...[
        '\\xff\\xfe.csv',
        'back\\x5cslash.csv',
        'escape\\x1b[31m.csv',
        'line\\x0abreak.csv',
        'notes.txt',
        `${'x'.repeat(251)}.csv`,
      ].map(file_name => ({ file_name, reason: 'bad_name' })),
      ...['broken.csv', ...device, 'fifo.csv', 'folder.csv', 'link.csv', 'socket.csv'].map(
        file_name => ({
          file_name,
          reason: 'not_regular_file',
        }),
      ),
    ])
    expect(
      await database.value('select string_agg(session_id, $1) from user_activity', [',']),
    ).toBe('s4')
    expect(readdirSync(folders.input).sort()).toEqual(
      [
        '.hidden.csv',
        '_started.csv',
        'broken.csv',
        ...device,
        'fifo.csv',
        'folder.csv',
        'half.csv.part',
        'half.csv.tmp',
        'link.csv',
        'socket.csv',
      ].sort(),
    )
    expect(readdirSync(folders.refused)).toHaveLength(bad.length)
    expect(readFileSync(join(folders.root, 'elsewhere.csv'), 'utf8')).toBe(fileOf(row(1)))

    // Whoever runs it hears of each.
    expect(code).toBe(3)
    const refused = 11 + device.length
    expect(summary.files.refused).toBe(refused)
    expect(summary.refusals).toHaveLength(refused)
    expect(log.filter(line => line.msg === 'file refused')).toHaveLength(refused)
    for (const line of log) expect(JSON.stringify(line)).toMatch(/^[\x20-\x7e]*$/)
  })

  test('a folder is told of once, whatever happens inside it', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    mkdirSync(join(folders.input, 'busy'))
    for (let n = 0; n < 3; n++) {
      writeFileSync(join(folders.input, 'busy', `${n}.csv`), fileOf(row(n)))
      await ingestOnce(database, folders)
    }
    expect(await database.query('select file_name, generation, status from ingest_files')).toEqual([
      { file_name: 'busy', generation: 1, status: 'refused' },
    ])
  })

  test('a file that takes the place of what was refused is ingested', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    mkdirSync(join(folders.input, 'a.csv'))
    await ingestOnce(database, folders)
    renameSync(join(folders.input, 'a.csv'), join(folders.root, 'gone'))
    await folders.drop('a.csv', fileOf(row(1)))
    expect((await ingestOnce(database, folders)).summary.rows.loaded).toBe(1)
  })
})

describe('a refused file', () => {
  test('that is still being written is one generation, moved away once it stands still', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const path = await folders.drop('growing.csv', 'not,a,header\n')
    const ingestor = startIngestor(database, folders, {
      INGEST_SETTLE_SECONDS: '0.5',
      INGEST_SWEEP_SECONDS: '0.05',
    })
    await ingestor.waitForLog('ready')
    const end = performance.now() + 1_500
    let lines = 0
    await until('enough lines written', () => {
      writeFileSync(path, `${lines++},b,c\n`, { flag: 'a' })
      return performance.now() > end
    })
    await until('the file is moved away', () => readdirSync(folders.refused).length === 1)
    expect(readFileSync(join(folders.refused, 'growing.csv'), 'utf8').split('\n')).toHaveLength(
      lines + 2,
    )
    expect(await database.query('select generation, status, reason from ingest_files')).toEqual([
      { generation: 1, status: 'refused', reason: 'bad_header' },
    ])
  })
})
