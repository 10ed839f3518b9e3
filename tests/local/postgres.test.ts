import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { serverAccount } from '../../services/local/account.ts'
import { freePort, isFree } from '../../services/local/port.ts'
import { startPostgres } from '../../services/local/postgres.ts'
import { isAlive } from '../../services/local/processes.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

describe('a private PostgreSQL', { timeout: 60_000 }, () => {
  test('does not outlive its starter, even one that was killed', async () => {
    const holder = await hold(await freshFolder())
    const postmaster = await postmasterOf(holder.folder)
    await holder.service.stop('SIGKILL')
    await until('the end of the server', () => !isAlive(postmaster))
    expect(await isFree(holder.port)).toBe(true)
  })

  test('starts again on the data it had, after a kill of server and starter alike', async () => {
    const folder = await freshFolder()
    const first = await hold(folder)
    await ask(first.url, 'create table kept as select 42 as answer')
    process.kill(await postmasterOf(first.folder), 'SIGKILL')
    await first.service.stop('SIGKILL')
    const second = await hold(folder)
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('is not stopped by a lock file whose number now belongs to another process', async () => {
    const folder = await freshFolder()
    const first = await hold(folder)
    await first.service.stop()
    const lockFile = join(first.folder, 'cluster', 'data', 'postmaster.pid')
    // PostgreSQL itself asks only whether it could send that process a signal.
    const stranger = spawn('sleep', ['60'], await serverAccount())
    atTestEnd(() => stranger.kill())
    await writeFile(lockFile, `${stranger.pid}\n${first.folder}\n1\n5432\n\n127.0.0.1\n`)
    const second = await hold(folder)
    expect(await ask(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('begins anew where the making of its data was interrupted', async () => {
    const folder = await freshFolder()
    await mkdir(join(folder, 'cluster.999999999', 'data', 'base'), { recursive: true })
    const { url } = await hold(folder)
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await readdir(folder)).toEqual(['cluster'])
  })

  test('takes another port where the wanted one is taken', async () => {
    const taken = await freePort(0)
    const other = createServer().listen(taken, '127.0.0.1')
    atTestEnd(() => other.close())
    const folder = await freshFolder()
    const server = await startPostgres({ folder, user: 'tester', port: taken, prefer: 'system' })
    atTestEnd(() => server.stop('immediate'))
    expect(server.port).not.toBe(taken)
  })

  test('refuses the data of another major version in one line', async () => {
    const folder = await freshFolder()
    await mkdir(join(folder, 'cluster', 'data'), { recursive: true })
    await writeFile(join(folder, 'cluster', 'password'), 'secret\n')
    await writeFile(join(folder, 'cluster', 'data', 'PG_VERSION'), '14\n')
    const start = startPostgres({ folder, user: 'tester', port: 0, prefer: 'system' })
    await expect(start).rejects.toThrow(
      /^[^\n]*expected the data of PostgreSQL 15, found 14[^\n]*$/,
    )
  })

  test('serves the first of two starters on one folder and refuses the second in one line', async () => {
    const folder = await freshFolder()
    const { url } = await hold(folder)
    const second = startPostgres({ folder, user: 'tester', port: 0, prefer: 'embedded' })
    await expect(second).rejects.toThrow(/^[^\n]*a PostgreSQL is running on it already[^\n]*$/)
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('serves one of two starters that race to make its data', async () => {
    const folder = await freshFolder()
    const racers = [start(folder), start(folder)]
    const serving = await until('one that serves', () =>
      racers.find(racer => racer.log.some(line => line.msg === 'serving')),
    )
    const loser = racers.find(racer => racer !== serving)!
    expect((await loser.exit()).code).toBe(1)
    const { url } = await serving.waitForLog('serving')
    expect(await ask(String(url), 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await readdir(folder)).toEqual(['cluster'])
  })
})

function start(folder: string) {
  return startService('tests/local/hold-postgres.ts', { args: [folder] })
}

async function hold(folder: string) {
  const service = start(folder)
  const line = await service.waitForLog('serving', 30_000)
  return { service, url: String(line.url), port: Number(line.port), folder: String(line.folder) }
}

async function postmasterOf(folder: string): Promise<number> {
  const lockFile = join(folder, 'cluster', 'data', 'postmaster.pid')
  return Number.parseInt(await readFile(lockFile, 'utf8'), 10)
}

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-folder-launcher-'))
  atTestEnd(async () => {
    const pid = await postmasterOf(folder).catch(() => undefined)
    await until('the end of the server', () => pid === undefined || !isAlive(pid))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  return folder
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
