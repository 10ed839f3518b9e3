import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { prepareFolders } from '../../services/generator/folders.ts'
import { command } from '../commands/command.ts'
import { HEADER } from '../ingestor/claimed.ts'
import { idOf } from '../ingestor/lines.ts'
import { accounted, ingestOnce } from '../ingestor/once.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { readiness, startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

const fileOf = (n: number, session: string) =>
  `${HEADER}\n${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,${session}\n`
const SECRET = fileOf(999_999, 'secret')

/** What lies outside of data/: it must be as it was, and nothing of it may be in the database. */
interface Outside {
  folder: string
  file: string
}

let database: TestDatabase
let folders: Folders
let outside: Outside

beforeEach(async () => {
  database = await freshDatabase()
  folders = await freshFolders()
  const folder = mkdtempSync(join(tmpdir(), 'hot-folder-outside-'))
  atTestEnd(() => rmSync(folder, { recursive: true, force: true }))
  outside = { folder, file: join(folder, 'secret.csv') }
  writeFileSync(outside.file, SECRET)
})

async function untouched(): Promise<void> {
  expect(readdirSync(outside.folder)).toEqual(['secret.csv'])
  expect(readFileSync(outside.file, 'utf8')).toBe(SECRET)
  const rows = await database.query(`select * from user_activity where session_id = 'secret'`)
  const rejects = await database.query(
    `select * from user_activity_errors where encode(raw_line, 'escape') like '%secret%'`,
  )
  const files = await database.query(
    `select file_name, message from ingest_files where message like '%,9.99,%'`,
  )
  expect([...rows, ...rejects, ...files]).toEqual([])
}

describe('a name that leads out of the folder, written into the checkpoint by somebody else,', () => {
  const enter = (name: string, columns = '', values = '') =>
    database.query(
      `insert into ingest_files (file_name, size_bytes, mtime_ns, inode ${columns})
       values ($1, $2, 0, 0 ${values})`,
      [name, SECRET.length],
    )

  test('is not read, nor is what it names moved', async () => {
    await enter(`../../${outside.folder.split('/').at(-1)}/secret.csv`)
    await enter('..')
    const { code } = await ingestOnce(database, folders)
    expect(code).toBe(3)
    expect(
      await database.query('select status, reason, archived_as from ingest_files order by file_id'),
    ).toEqual([
      { status: 'refused', reason: 'bad_name', archived_as: null },
      { status: 'refused', reason: 'bad_name', archived_as: null },
    ])
    await untouched()
  })

  test('is not moved, escaped or not, where it is said to be finished', async () => {
    const { statSync } = await import('node:fs')
    const { size, mtimeNs, ino } = statSync(outside.file, { bigint: true })
    const up = `../../${outside.folder.split('/').at(-1)}/secret.csv`
    const escaped = up.replaceAll('.', '\\x2e').replaceAll('/', '\\x2f')
    for (const [name, status, reason] of [
      [up, 'done', null],
      [escaped, 'refused', 'bad_name'],
    ]) {
      await database.query(
        `insert into ingest_files (file_name, size_bytes, byte_offset, mtime_ns, inode, status, reason, finished_at)
         values ($1, $2, $2, $3, $4, $5, $6, now() - interval '1 day')`,
        [name, String(size), String(mtimeNs), String(ino), status, reason],
      )
    }
    await ingestOnce(database, folders)
    expect(readdirSync(folders.archive)).toEqual([])
    expect(readdirSync(folders.refused)).toEqual([])
    await untouched()
  })

  test('is not dropped again by a replay', async () => {
    await folders.drop('a.csv', fileOf(1, 'good'))
    await ingestOnce(database, folders)
    await database.query('update ingest_files set archived_as = $1', [
      `../../${outside.folder.split('/').at(-1)}/secret.csv`,
    ])
    const { code, stdout } = await command(['replay', 'a.csv'], database, folders)
    expect(stdout).toContain('is not there')
    expect(code).toBe(1)
    expect(readdirSync(folders.input)).toEqual([])
    await untouched()
  })
})

describe('a folder that a link has taken the place of', () => {
  const swap = (folder: string) => {
    renameSync(folder, `${folder}.away`)
    symlinkSync(outside.folder, folder)
  }
  const back = (folder: string) => {
    rmSync(folder)
    renameSync(`${folder}.away`, folder)
  }

  test('input: nothing is listed, read or moved through it, and all goes on when it is back', async () => {
    const ingestor = startIngestor(database, folders)
    await ingestor.waitForLog('ready')
    swap(folders.input)
    await ingestor.waitForLog(line => line.what === 'discover' && line.level === 'error')
    // Somebody says that it is there: it is not read either.
    await database.query(
      `insert into ingest_files (file_name, size_bytes, mtime_ns, inode) values ('secret.csv', $1, 0, 0)`,
      [SECRET.length],
    )
    await until('the file is tried', async () => {
      const [row] = await database.query(
        `select message from ingest_files where message is not null`,
      )
      return row
    })
    expect((await readiness(ingestor)).status).toBe(503)
    await untouched()
    back(folders.input)
    await folders.drop('a.csv', fileOf(1, 'good'))
    await until(
      'the row',
      async () => (await database.value('select count(*) from user_activity')) === 1,
    )
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    await untouched()
  })

  test.each(['archive', 'refused'] as const)(
    '%s: nothing is moved through it, and all of it once it is back',
    async name => {
      const ingestor = startIngestor(database, folders)
      await ingestor.waitForLog('ready')
      swap(folders[name])
      await folders.drop('a.csv', name === 'archive' ? fileOf(1, 'good') : 'no header\n')
      await ingestor.waitForLog('finished files cannot be moved away')
      expect(existsSync(join(folders.input, 'a.csv'))).toBe(true)
      await untouched()
      back(folders[name])
      await until('the move', () => existsSync(join(folders[name], 'a.csv')))
      expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
      await untouched()
    },
  )

  test('before the start it is its owner’s: it is followed once', async () => {
    const elsewhere = join(folders.root, 'elsewhere')
    renameSync(folders.input, elsewhere)
    symlinkSync(elsewhere, folders.input)
    await folders.drop('a.csv', fileOf(1, 'good'))
    expect((await ingestOnce(database, folders)).code).toBe(0)
    expect(readdirSync(folders.archive)).toEqual(['a.csv'])
    expect(readdirSync(elsewhere)).toEqual([])
  })
})

describe('what stands in the archive under the name that a file would take', () => {
  test('is left as it is, and not gone into: links to a file and to a folder, a folder', async () => {
    symlinkSync(outside.file, join(folders.archive, 'a.csv'))
    symlinkSync(outside.folder, join(folders.archive, 'a.2.csv'))
    mkdirSync(join(folders.archive, 'a.3.csv'))
    await folders.drop('a.csv', fileOf(1, 'good'))
    expect((await ingestOnce(database, folders)).code).toBe(0)
    expect(readFileSync(join(folders.archive, 'a.4.csv'), 'utf8')).toBe(fileOf(1, 'good'))
    expect(readdirSync(join(folders.archive, 'a.3.csv'))).toEqual([])
    await untouched()
  })
})

describe('a link that waits where a program makes a file of its own', () => {
  const trap = (folder: string, name: string) => {
    try {
      symlinkSync(outside.file, join(folder, name))
    } catch {}
  }

  test('is not written through by ingest doctor, though it has the number of its process', async () => {
    const lay = `ln -s "$1" "$2/.doctor-$$"; ln -s "$1" "$2/.doctor-$$-probe"; shift 2; exec "$@"`
    const doctor = startService('services/ingestor/main.ts', {
      under: ['sh', '-c', lay, 'sh', outside.file, folders.input],
      args: ['doctor'],
      env: { ...database.env, ...folders.env },
    })
    await doctor.exit(60_000)
    expect(doctor.stdout()).toContain('one mount')
    await untouched()
  })

  test.each(['temp', 'input'] as const)(
    'is not written through by a generator, in %s',
    async name => {
      trap(folders[name], '.generator-probe-r1')
      trap(folders[name], '.generator-probe-r1-moved')
      const prepared = prepareFolders({ tempDir: folders.temp, inputDir: folders.input }, 'r1')
      await expect(prepared).rejects.toThrow(/EEXIST/)
      await untouched()
    },
  )
})

test('entries that are swapped as fast as can be never bring in what lies outside, and cost no good row', async () => {
  const FILES = 20
  const ingestor = startIngestor(database, folders, { INGEST_SWEEP_SECONDS: '0.05' })
  await ingestor.waitForLog('ready')
  const at = (name: string) => join(folders.input, name)
  const ways = [
    (path: string) => symlinkSync(outside.file, path),
    (path: string) => symlinkSync(outside.folder, path),
    (path: string) => mkdirSync(path),
    (path: string) => symlinkSync('/proc/self/environ', path),
  ]
  const quietly = (work: () => unknown) => {
    try {
      work()
    } catch {}
  }
  let swaps = 0
  while (swaps < 1_500) {
    for (let n = 0; n < FILES; n++) {
      const name = `swapped-${n}.csv`
      // A good file, in its place one of the bad things, and the good file again, from beside the folder.
      const kept = join(folders.temp, name)
      if (!existsSync(kept)) writeFileSync(kept, fileOf(n, 'good'))
      quietly(() => linkSync(kept, at(name)))
      quietly(() => rmSync(at(name), { recursive: true }))
      quietly(() => ways[swaps % ways.length]!(at(name)))
      quietly(() => rmSync(at(name), { recursive: true }))
      swaps++
    }
    await breathe()
  }
  for (let n = 0; n < FILES; n++) {
    quietly(() => rmSync(at(`swapped-${n}.csv`), { recursive: true }))
    writeFileSync(at(`last-${n}.csv`), fileOf(n, 'good'))
  }
  await until(
    'all good rows',
    async () =>
      (await database.value(`select count(*) from user_activity where session_id = 'good'`)) ===
      FILES,
  )
  await until('nothing left', async () => (await accounted(database)).length === 0)
  expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  expect(ingestor.log.filter(({ level }) => level === 'fatal')).toEqual([])
  expect(await accounted(database)).toEqual([])
  await untouched()
})
