import { describe, expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { emptyDatabase, freshDatabase } from '../support/postgres.ts'
import { startService } from '../support/process.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { ingestOnce } from './once.ts'

const NOWHERE = {
  env: { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: '1', POSTGRES_PASSWORD: 'hush' },
}
const ingest = async (args: string[], env: Record<string, string> = {}) => {
  const service = startService('services/ingestor/main.ts', { args, env })
  const { code } = await service.exit()
  return { code, stdout: service.stdout(), lines: service.stderr().trimEnd().split('\n') }
}

describe('a wrong setting', () => {
  test('is told together with all others, each in a line, and the command ends with 2', async () => {
    const { code, lines, stdout } = await ingest(['run', '--once', '--batch-rows', '0'], {
      INGEST_CONNECTIONS: 'many',
      INGEST_SETTLE_SECONDS: '-1',
      INGEST_ARCHIVE: 'burn',
      INGEST_MAX_LINE_BYTES: '1e5',
      METRICS_PORT: '70000',
      POSTGRES_PORT: 'five',
      LOG_LEVEL: 'loud',
    })
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(lines.sort()).toEqual([
      'error: INGEST_ARCHIVE: expected move, delete, keep, found "burn"',
      'error: INGEST_BATCH_ROWS: expected a whole number from 1 to 1000000, found "0"',
      'error: INGEST_CONNECTIONS: expected a whole number, found "many"',
      'error: INGEST_MAX_LINE_BYTES: expected a whole number, found "1e5"',
      'error: INGEST_SETTLE_SECONDS: expected a number, found "-1"',
      'error: LOG_LEVEL: expected fatal, error, warn, info, debug, trace, silent, found "loud"',
      'error: METRICS_PORT: expected a whole number from 0 to 65535, found "70000"',
      'error: POSTGRES_PORT: expected a port from 1 to 65535, found "five"',
    ])
  })

  test.each([
    [
      { POSTGRES_PORT: '99999' },
      'error: POSTGRES_PORT: expected a port from 1 to 65535, found "99999"',
    ],
    [{ POSTGRES_PORT: '0' }, 'error: POSTGRES_PORT: expected a port from 1 to 65535, found "0"'],
    [
      { DATABASE_URL: 'mysql://me:hush@host/db' },
      'error: DATABASE_URL: expected postgres://user:password@host:port/database',
    ],
    [
      { DATABASE_URL: 'postgres://me:hush@host:99999/db' },
      'error: DATABASE_URL: expected postgres://user:password@host:port/database',
    ],
    [
      { POSTGRES_PASSWORD_FILE: '/nowhere' },
      'error: POSTGRES_PASSWORD_FILE: expected a readable file, found "/nowhere" (ENOENT)',
    ],
  ])('of the connection %j is one line without the secret', async (env, line) => {
    const { root } = await freshFolders()
    const { code, lines } = await ingest(['run', '--once'], { DATA_DIR: root, ...env } as never)
    expect(lines).toEqual([line])
    expect(code).toBe(2)
  })

  // In /proc no folder can be made, and the answer is the one of a missing parent.
  test.each([
    [
      'below a file',
      'ENOTDIR',
      async () => `${await (await freshFolders()).drop('file', '')}/data`,
    ],
    ['below /proc', 'ENOENT', async () => '/proc/nowhere/data'],
  ])('of folders %s is one line for each that cannot be made', async (_, found, place) => {
    const root = await place()
    const { code, lines } = await ingest(['run', '--once'], { DATA_DIR: root })
    expect(lines).toEqual(
      ['input', 'archive', 'refused'].map(
        name =>
          `error: ${root}/${name}: expected a folder or the right to make it, found ${found}; DATA_DIR says where it is`,
      ),
    )
    expect(code).toBe(2)
    for (const other of ['generator', 'local']) {
      const service = startService(`services/${other}/main.ts`, { env: { DATA_DIR: root } })
      expect(await service.exit(), other).toEqual({ code: 2, signal: null })
      expect(service.stderr(), other).toMatch(new RegExp(`^error: .*${root}/temp.*${found}`))
    }
  })

  test.each([
    [['run', '--no-such-flag'], /unknown option/],
    [['fly'], /unknown command|too many arguments/],
    [['run', '--once', '--max-rejects', '-1'], /expected a whole number, found -1/],
  ])('%j ends with 2', async (args, message) => {
    const { code, lines } = await ingest(args)
    expect(lines.join('\n')).toMatch(message)
    expect(code).toBe(2)
  })

  test('--help ends with 0', async () => {
    expect(await ingest(['--help'])).toMatchObject({ code: 0 })
  })
})

describe('run --once', () => {
  test('ends with 75 and one line where no server answers', async () => {
    const folders = await freshFolders()
    const { code, stderr } = await ingestOnce(NOWHERE, folders)
    expect(stderr).toMatch(
      /^error: the database cannot be used now \(ECONNREFUSED: .*\); try again later\n$/,
    )
    expect(code).toBe(75)
  })

  test('ends with 2 and one line without the secret where the server does not know the database or the user', async () => {
    const [database, folders] = [await emptyDatabase(), await freshFolders()]
    const missing = { ...database.env, POSTGRES_DB: 'no_such_database', POSTGRES_PASSWORD: 'hush' }
    const { code, stderr } = await ingestOnce({ env: { ...missing } }, folders)
    expect(stderr).toMatch(/^error: the database refuses this user \((28P01|3D000): .*\)\n$/)
    expect(stderr).not.toContain('hush')
    expect(code).toBe(2)
  })

  test.each([
    ['without', 'select 1', /schema: expected version \d+, found 0; run `npm run migrate`/],
    [
      'with an older',
      'create table schema_migrations as select 1 as version',
      /schema: expected version \d+, found 1; run `npm run migrate`/,
    ],
    [
      'with a newer',
      'create table schema_migrations as select 999 as version',
      /schema: expected version \d+, found 999; use the newer release/,
    ],
  ])('ends with 2 on a database %s schema', async (_, sql, message) => {
    const [database, folders] = [await emptyDatabase(), await freshFolders()]
    await database.query(sql)
    const { code, stderr } = await ingestOnce(database, folders)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(code).toBe(2)
  })

  test('ends with 3 where more rows are rejected than --max-rejects, and with 0 where not', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const codes: (number | null)[] = []
    for (const most of ['2', '1']) {
      const good = `${idOf(Number(most))},2026-01-02 07:15:22,view,1,9.99,2,s`
      await folders.drop(`two-bad-${most}.csv`, `${HEADER}\nbad\n${good}\nworse\n`)
      const { code, summary } = await ingestOnce(database, folders, {
        args: ['--max-rejects', most],
      })
      expect(summary).toEqual({
        files: { done: 1, refused: 0, missing: 0 },
        rows: { read: 3, loaded: 1, duplicate: 0, rejected: 2 },
        rejects: { column_count: 2 },
        bytes: HEADER.length + good.length + 12,
        seconds: expect.any(Number),
        rowsPerSecond: expect.any(Number),
        refusals: [],
      })
      codes.push(code)
    }
    expect(codes).toEqual([0, 3])
  })

  test('prints a table for a person', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    await folders.drop('a.csv', `${HEADER}\nbad\n`)
    const { code, stdout } = await ingest(['run', '--once', '--settle', '0'], {
      ...database.env,
      ...folders.env,
    })
    expect(stdout).toMatch(/files done\s*│\s*1 /)
    expect(stdout).toMatch(/column_count\s*│\s*1 /)
    expect(code).toBe(0)
  })
})
