import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { type Folders, freshFolders } from '../support/folders.ts'
import { type RunningService, startService } from '../support/process.ts'
import { until } from '../support/until.ts'

const MINUTE = 60_000
const ROOT = new URL('../../', import.meta.url)

// Only Linux shows all processes under /proc.
describe.skipIf(process.platform !== 'linux')('npm start', { timeout: 2 * MINUTE }, () => {
  test('brings rows, and one Ctrl-C stops all of it in order, the rows kept', async () => {
    const folders = await freshFolders()
    const local = start(folders)
    const { url } = await rowsArrive(folders)
    expect(await one(url, 'select count(*) from ingest_discrepancies')).toBe('0')
    const page = /Page.* (http:\S+)/.exec(local.stdout())![1]!
    // Rows may be there before anybody listens for the page.
    const answers = () =>
      fetch(`${page}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await until('the page', answers, MINUTE)
    local.signal('SIGINT')
    expect(await local.exit(MINUTE)).toEqual({ code: 0, signal: null })
    expect(processesOf(folders)).toEqual([])
    expect(local.stdout()).toContain('Stopped')

    const again = start(folders, '--no-generator', '--no-dashboard')
    const kept = await until('the URL', () => urlOf(folders), MINUTE)
    expect(Number(await one(kept, 'select count(*) from user_activity'))).toBeGreaterThan(0)
    expect(await one(kept, `select count(*) from ingest_files where status = 'active'`)).toBe('0')
    expect(
      processesOf(folders).filter(({ command }) => command.includes('services/dashboard')),
    ).toEqual([])
    await again.stop('SIGTERM', MINUTE)
    expect(processesOf(folders)).toEqual([])
  })

  test('leaves nothing behind when it is killed', async () => {
    const folders = await freshFolders()
    const local = start(folders)
    await rowsArrive(folders)
    expect(processesOf(folders).length).toBeGreaterThanOrEqual(4)
    await local.stop('SIGKILL')
    await nothingLeft(folders)
  })

  test('leaves nothing behind when npm is killed', async () => {
    const folders = await freshFolders()
    const env = { ...process.env, ...folders.env, LOCAL_POSTGRES_PORT: '0' }
    const npm = spawn('npm', ['start'], { cwd: ROOT, env, stdio: 'ignore' })
    await rowsArrive(folders)
    npm.kill('SIGKILL')
    await nothingLeft(folders)
  })

  test('stops at once on a second Ctrl-C, even with a service that does not answer', async () => {
    const folders = await freshFolders()
    const local = start(folders)
    await rowsArrive(folders)
    process.kill(processOf(folders, 'ingestor'), 'SIGSTOP')
    local.signal('SIGINT')
    await until('the stop', () => local.stdout().includes('Stopping'))
    // Sooner than this it is taken for npm's echo of the first one.
    await sleep(600)
    local.signal('SIGINT')
    expect((await local.exit()).code).toBe(130)
    await nothingLeft(folders)
  })

  test('starts a service that died again, and PostgreSQL too, and says so', async () => {
    const folders = await freshFolders()
    const local = start(folders)
    await rowsArrive(folders)
    process.kill(processOf(folders, 'ingestor'), 'SIGKILL')
    await until('word of it', () => local.stdout().includes('ingestor ended (SIGKILL)'))
    await rowsArrive(folders)
    process.kill(processOf(folders, 'postgres -D'), 'SIGKILL')
    await until('word of it', () => local.stdout().includes('PostgreSQL does not answer'))
    await until('another URL', () => !urlOf(folders), MINUTE)
    await rowsArrive(folders)
    expect((await local.stop('SIGINT', MINUTE)).code).toBe(0)
    expect(processesOf(folders)).toEqual([])
  })

  test('refuses a second start in the same folder in one line, and the first goes on', async () => {
    const folders = await freshFolders()
    const first = start(folders, '--no-generator')
    const url = await until('the URL', () => urlOf(folders), MINUTE)
    const second = start(folders, '--no-generator')
    expect((await second.exit(MINUTE)).code).toBe(2)
    expect(second.stderr()).toMatch(/^error: [^\n]+running[^\n]+\n$/)
    expect(await one(url, 'select 1')).toBe(1)
    expect((await first.stop('SIGINT', MINUTE)).code).toBe(0)
  })

  test('says in one line what is wrong with a flag', async () => {
    const folders = await freshFolders()
    const local = start(folders, '--rate', 'fast')
    expect((await local.exit()).code).toBe(2)
    expect(local.stderr()).toMatch(/^error: LOCAL_RATE: expected a number[^\n]+found "fast"\n$/)
  })
})

function start(folders: Folders, ...args: string[]): RunningService {
  return startService('services/local/main.ts', {
    args: args.length === 0 ? ['--rate', '200'] : args,
    env: { ...folders.env, LOCAL_POSTGRES_PORT: '0', DASHBOARD_PORT: '0' },
  })
}

/** More rows than there are now, as seen by a client of its own. */
async function rowsArrive(folders: Folders): Promise<{ url: string }> {
  const url = await until('the URL', () => urlOf(folders), MINUTE)
  const rows = async () => Number(await one(url, 'select count(*) from user_activity'))
  const before = await rows()
  await until('rows', async () => (await rows()) > before, MINUTE)
  return { url }
}

function urlOf(folders: Folders): string | undefined {
  try {
    return readFileSync(join(folders.root, 'postgres', 'url'), 'utf8').trim()
  } catch {
    return undefined
  }
}

async function one(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return Object.values((await client.query(sql)).rows[0])[0]
  } finally {
    await client.end()
  }
}

async function nothingLeft(folders: Folders): Promise<void> {
  await until(
    'the end of all processes',
    () => processesOf(folders).length === 0 || undefined,
    15_000,
  )
}

function processOf(folders: Folders, what: string): number {
  return processesOf(folders).find(({ command }) => command.includes(what))!.pid
}

/** Whatever has the folder in its command line or its environment: started by this test, or by what it started. */
function processesOf({ root }: Folders): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => ({
      pid: Number(name),
      command: about(name, 'cmdline'),
      env: about(name, 'environ'),
    }))
    .filter(({ command, env }) => `${command} ${env}`.includes(root))
    .map(({ pid, command }) => ({ pid, command }))
}

function about(pid: string, what: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}
