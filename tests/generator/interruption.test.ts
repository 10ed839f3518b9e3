import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ORPHAN_AGE_MS } from '../../services/generator/folders.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

const MAIN = 'services/generator/main.ts'
const ENDLESS_FILE = ['--files', '1', '--rows', '500000000']

function started(folders: Folders, args: readonly string[], env = {}) {
  return startService(MAIN, { args, env: { ...folders.env, ...env } })
}

const inMidWrite = (folders: Folders, bytes = 1_000_000) =>
  until('a draft in the temp folder', () => {
    const [name] = readdirSync(folders.temp).filter(name => name.endsWith('.part'))
    return name && statSync(join(folders.temp, name)).size > bytes && join(folders.temp, name)
  })

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s in mid-write leaves no half file anywhere, and is a clean end',
  async signal => {
    const folders = await freshFolders()
    const service = started(folders, [...ENDLESS_FILE, '--json'])
    await inMidWrite(folders)
    expect((await service.stop(signal)).code).toBe(0)
    expect(readdirSync(folders.temp)).toEqual([])
    expect(readdirSync(folders.input)).toEqual([])
    expect(JSON.parse(service.stdout())).toMatchObject({ files: 0, rows: 0, stopped: true })
  },
)

test('a stop between two files does not wait for the next', async () => {
  const folders = await freshFolders()
  const service = started(folders, ['--interval', '3600'])
  await service.waitForLog('published')
  expect((await service.stop('SIGTERM', 3000)).code).toBe(0)
  expect(readdirSync(folders.input)).toHaveLength(1)
})

test('18: SIGKILL in mid-write leaves an orphan in temp, which a later start removes once it is old', async () => {
  const folders = await freshFolders()
  const killed = started(folders, ENDLESS_FILE)
  const orphan = await inMidWrite(folders)
  await killed.stop('SIGKILL')
  expect(readdirSync(folders.input)).toEqual([])
  // Files that are not drafts of a generator are none of its business, however old.
  const foreign = join(folders.temp, 'notes.csv.part')
  spawnSync('touch', [foreign])
  const old = new Date(Date.now() - ORPHAN_AGE_MS - 1000)
  utimesSync(foreign, old, old)

  await started(folders, ['--files', '1']).exit()
  expect(readdirSync(folders.temp)).toHaveLength(2)
  utimesSync(orphan, old, old)
  const last = started(folders, ['--files', '1'])
  expect((await last.exit()).code).toBe(0)
  expect(readdirSync(folders.temp)).toEqual(['notes.csv.part'])
  expect(last.stderr()).toContain('removed what killed generators left')
})

test('a writer whose draft was taken away fails, and publishes nothing', async () => {
  const folders = await freshFolders()
  const service = started(folders, ['--files', '1', '--rows', '300000'])
  const draft = await inMidWrite(folders, 10_000)
  spawnSync('rm', [draft])
  expect((await service.exit(20_000)).code).toBe(1)
  expect(service.stderr()).toMatch(/^error: a folder or the file in work is no longer there/m)
  expect(readdirSync(folders.input)).toEqual([])
})

test('generators side by side never write to one file, nor one id twice', async () => {
  const folders = await freshFolders()
  const args = ['--files', '20', '--rows', '50', '--seed', '5']
  const services = [1, 2, 3].map(() => started(folders, args))
  for (const service of services) expect((await service.exit(20_000)).code).toBe(0)
  const names = readdirSync(folders.input)
  expect(names).toHaveLength(60)
  const ids = names.flatMap(name =>
    readFileSync(join(folders.input, name), 'utf8')
      .split('\n')
      .slice(1, -1)
      .map(line => line.slice(0, 36)),
  )
  expect(new Set(ids).size).toBe(3000)
})

test('memory does not grow with the size of a file', async () => {
  const folders = await freshFolders()
  // A heap that cannot hold the rows of the file so far: who gathers a whole file dies of it.
  const service = startService(MAIN, {
    args: ENDLESS_FILE,
    env: folders.env,
    nodeArgs: ['--max-old-space-size=64', '--max-semi-space-size=4'],
  })
  await inMidWrite(folders, 30_000_000)
  const status = readFileSync(`/proc/${service.pid}/status`, 'utf8')
  expect(Number(/VmHWM:\s+(\d+)/.exec(status)![1])).toBeLessThan(200_000)
  expect((await service.stop()).code).toBe(0)
})

test('folders that cannot be written to are refused by name, both at once', async () => {
  const folders = await freshFolders()
  const file = await folders.drop('a-file.csv', '')
  const service = started(folders, ['--files', '1'], { TEMP_DIR: `${file}/t`, INPUT_DIR: file })
  expect((await service.exit()).code).toBe(2)
  expect(service.stderr()).toBe(
    `error: TEMP_DIR: expected a folder that can be written to, found ${file}/t (ENOTDIR)\n` +
      `error: INPUT_DIR: expected a folder that can be written to, found ${file} (EEXIST)\n`,
  )
})

/** Mounts at `target` until the test ends. @returns false where that is not permitted */
function mounted(target: string, args: readonly string[]): boolean {
  mkdirSync(target, { recursive: true })
  const { status, stderr, error } = spawnSync('mount', [...args, target], { encoding: 'utf8' })
  if (status !== 0) {
    console.log(`skipped: cannot mount here (${stderr || error})`)
    return false
  }
  atTestEnd(() => spawnSync('umount', ['-l', target]))
  return true
}

test('temp and input on two mounts of one filesystem are refused in one line', async ({ skip }) => {
  const folders = await freshFolders()
  const bound = join(folders.root, 'bound')
  if (!mounted(bound, ['--bind', folders.temp])) return skip('cannot mount here')
  expect(statSync(bound).dev).toBe(statSync(folders.input).dev)
  const service = started(folders, ['--files', '1'], { TEMP_DIR: bound })
  expect((await service.exit()).code).toBe(2)
  expect(service.stderr()).toMatch(
    /^error: TEMP_DIR and INPUT_DIR: expected .* one mount.*EXDEV\)\n$/,
  )
  expect([...readdirSync(bound), ...readdirSync(folders.input)]).toEqual([])
})

test('a full disk ends the run in one clear line, with no half file', async ({ skip }) => {
  const folders = await freshFolders()
  const disk = join(folders.root, 'disk')
  if (!mounted(disk, ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'])) return skip('cannot mount here')
  const service = started(folders, ['--rows', '3000', '--interval', '0'], {
    DATA_DIR: disk,
    LOG_LEVEL: 'error',
  })
  expect((await service.exit()).code).toBe(1)
  expect(service.stderr()).toMatch(/^error: the disk is full \(ENOSPC.*\n$/)
  expect(readdirSync(join(disk, 'temp'))).toEqual([])
  const names = readdirSync(join(disk, 'input'))
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) {
    expect(readFileSync(join(disk, 'input', name), 'utf8').split('\n')).toHaveLength(3002)
  }
})
