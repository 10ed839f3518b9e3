import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { readiness, startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted, ingestOnce } from './once.ts'

const fileOf = (n: number) => `${HEADER}\n${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s${n}\n`
const stored = (database: TestDatabase) =>
  database.value<number>('select count(*) from user_activity')

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const under = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']

/** Folders that belong to an ordinary user, as whom the ingestor then runs. */
async function ordinary(): Promise<Folders> {
  const folders = await freshFolders()
  chmodSync(folders.root, 0o755)
  for (const folder of [
    folders.root,
    folders.input,
    folders.archive,
    folders.refused,
    folders.temp,
  ])
    chownSync(folder, NOBODY, NOBODY)
  return folders
}

/** A small filesystem of its own under a folder. */
function mount(folder: string, options: string): void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  atTestEnd(() => execFileSync('umount', [folder]))
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!isRoot)(
  '46: rights that are missing (skipped unless run by root, who can give them away)',
  () => {
    test('a file that cannot be read is tried again and loads once it can; its neighbours do not wait', async () => {
      const [database, folders] = [await freshDatabase(), await ordinary()]
      const secret = await folders.drop('secret.csv', fileOf(1))
      chmodSync(secret, 0)
      await folders.drop('open.csv', fileOf(2))
      const first = await ingestOnce(database, folders, { under })
      expect(first.code).toBe(1)
      expect(first.log).toContainEqual(
        expect.objectContaining({
          level: 'error',
          file: 'secret.csv',
          msg: expect.stringContaining('cannot be read (EACCES)'),
        }),
      )
      expect(
        await database.query('select file_name, status, rows_loaded from ingest_files order by 1'),
      ).toEqual([
        { file_name: 'open.csv', status: 'done', rows_loaded: 1 },
        { file_name: 'secret.csv', status: 'pending', rows_loaded: 0 },
      ])
      chmodSync(secret, 0o644)
      await database.query('update ingest_files set due_at = now()')
      expect((await ingestOnce(database, folders, { under })).code).toBe(0)
      expect(await stored(database)).toBe(2)
      expect(await accounted(database)).toEqual([])
    })

    test('an archive that cannot be written to keeps files in place, is told, and rows load once', async () => {
      const [database, folders] = [await freshDatabase(), await ordinary()]
      chmodSync(folders.archive, 0o555)
      chownSync(folders.archive, 0, 0)
      await folders.drop('a.csv', fileOf(1))
      for (let run = 0; run < 2; run++) {
        const { code, log } = await ingestOnce(database, folders, { under })
        expect(code).toBe(1)
        expect(log.some(line => line.msg?.includes('finished files cannot be moved away'))).toBe(
          true,
        )
        expect(existsSync(join(folders.input, 'a.csv'))).toBe(true)
        expect(await stored(database)).toBe(1)
      }
      chownSync(folders.archive, NOBODY, NOBODY)
      chmodSync(folders.archive, 0o755)
      expect((await ingestOnce(database, folders, { under })).code).toBe(0)
      expect(readdirSync(folders.archive)).toEqual(['a.csv'])
      expect(await accounted(database)).toEqual([])
    })

    test('one file that may not be moved does not keep the others from the archive', async () => {
      const [database, folders] = [await freshDatabase(), await ordinary()]
      // In a sticky folder only a file's owner may move it.
      chownSync(folders.input, 0, 0)
      chmodSync(folders.input, 0o1777)
      for (const n of [1, 2, 3]) await folders.drop(`${n}.csv`, fileOf(n))
      for (const n of [1, 3]) chownSync(join(folders.input, `${n}.csv`), NOBODY, NOBODY)
      const { code } = await ingestOnce(database, folders, { under })
      expect(code).toBe(1)
      expect(await stored(database)).toBe(3)
      expect(readdirSync(folders.input)).toEqual(['2.csv'])
      expect(readdirSync(folders.archive).sort()).toEqual(['1.csv', '3.csv'])
      expect(
        await database.query(
          'select file_name, archived_at is not null as archived from ingest_files order by 1',
        ),
      ).toEqual([
        { file_name: '1.csv', archived: true },
        { file_name: '2.csv', archived: false },
        { file_name: '3.csv', archived: true },
      ])
    })

    test('an input folder that cannot be listed is waited for, not ready, and told without a crash', async () => {
      const [database, folders] = [await freshDatabase(), await ordinary()]
      const ingestor = startIngestor(database, folders, {}, { under })
      await ingestor.waitForLog('ready')
      let files = 0
      // The watcher, too, hears of the change, and may not look either.
      await until('the watcher to be up', async () => {
        await folders.drop(`${++files}.csv`, fileOf(files))
        return ingestor.log.some(line => line.by === 'watcher')
      })
      chmodSync(folders.input, 0)
      await ingestor.waitForLog(line => line.what === 'discover' && line.code === 'EACCES')
      expect((await readiness(ingestor)).status).toBe(503)
      chmodSync(folders.input, 0o755)
      await folders.drop('a.csv', fileOf(++files))
      await until('the rows', async () => (await stored(database)) === files)
      await until('ready again', async () => (await readiness(ingestor)).status === 200)
      expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    })

    test('run --once says in one line that the folder cannot be listed', async () => {
      const [database, folders] = [await freshDatabase(), await ordinary()]
      chmodSync(folders.input, 0)
      const { code, stderr } = await ingestOnce(database, folders, { under })
      expect(stderr).toMatch(/^error: .*EACCES.*\n$/)
      expect(code).toBe(1)
    })
  },
)

describe.skipIf(!isRoot || !canMount())(
  '46: other filesystems (skipped where none can be mounted)',
  () => {
    test('an archive on another mount: files stay, it is told, rows load once', async () => {
      const [database, folders] = [await freshDatabase(), await freshFolders()]
      mount(folders.archive, 'size=1m')
      await folders.drop('a.csv', fileOf(1))
      for (let run = 0; run < 2; run++) {
        const { code, stderr } = await ingestOnce(database, folders)
        expect(stderr).toContain('EXDEV')
        expect(code).toBe(1)
      }
      expect(readdirSync(folders.input)).toEqual(['a.csv'])
      expect(await stored(database)).toBe(1)
    })

    test('a full filesystem: files still load, and move once there is room', async () => {
      const [database, folders] = [await freshDatabase(), await freshFolders()]
      mount(folders.root, 'size=1m,nr_inodes=8')
      for (const name of ['input', 'archive', 'refused']) mkdirSync(join(folders.root, name))
      for (const n of [1, 2, 3]) await folders.drop(`${n}.csv`, fileOf(n))
      writeFileSync(join(folders.root, 'filler'), '')
      expect(() => writeFileSync(join(folders.root, 'more'), '')).toThrow('ENOSPC')
      expect(
        (await ingestOnce(database, folders, { env: { INGEST_SETTLE_SECONDS: '0.2' } })).code,
      ).toBe(0)
      expect(await stored(database)).toBe(3)
      expect(readdirSync(folders.archive)).toHaveLength(3)
    })
  },
)
