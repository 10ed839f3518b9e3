import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startPostgres } from '../../services/local/postgres.ts'
import { migrate } from '../../services/migrate/migrate.ts'
import { connection } from '../../services/runtime/connection.ts'
import { createPool } from '../../services/runtime/database.ts'
import { createLogger } from '../../services/runtime/logger.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

test('status --watch in a pipe: a line each second, through an outage of the database and beyond', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hot-folder-postgres-watch-'))
  atTestEnd(() => rm(folder, { recursive: true, force: true }))
  const options = {
    ...{ folder, user: 'tester', prefer: 'system' as const, say: () => {} },
    settings: { fsync: 'off' },
  }
  const server = await startPostgres({ ...options, port: 0 })
  const url = `postgres://tester:${server.password}@${server.host}:${server.port}/postgres`
  const pool = createPool(
    connection({ DATABASE_URL: url }),
    { applicationName: 'test', maxConnections: 1 },
    createLogger('test', 'silent'),
  )
  await migrate(pool)
  await pool.end()

  const watching = startService('services/ingestor/main.ts', {
    args: ['status', '--watch'],
    env: { DATABASE_URL: url },
  })
  const lines = () => watching.stdout().trimEnd().split('\n')
  await until('two looks', () => lines().length >= 2)
  expect(lines()[0]).toBe('Keeping up: 0 files waiting')
  await server.stop('immediate')
  await until('word of the outage', () => lines().at(-1)!.startsWith('Database unreachable ('))
  const again = await startPostgres({ ...options, port: server.port })
  atTestEnd(() => again.stop())
  await until('word of its end', () => lines().at(-1) === 'Keeping up: 0 files waiting')
  expect(watching.stdout()).not.toContain('\u001b')
  expect(watching.stderr()).toBe('')
  expect(await watching.stop('SIGINT')).toEqual({ code: null, signal: 'SIGINT' })
})
