import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HEADER, judgeFileName } from '../../services/contract/dialect.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startService } from '../support/process.ts'

const MAIN = 'services/generator/main.ts'
const REPEATED = ['--seed', '7', '--start-time', '2026-01-02T00:00:00Z']

async function generated(folders: Folders, args: readonly string[], env = {}) {
  const service = startService(MAIN, { args, env: { ...folders.env, ...env } })
  const { code } = await service.exit(20_000)
  return { code, stdout: service.stdout(), stderr: service.stderr() }
}

function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort()
  return Object.fromEntries(names.map(name => [name, readFileSync(join(folder, name), 'latin1')]))
}

test('a number of files is written at once, each whole, under a sortable name', async () => {
  const folders = await freshFolders()
  const { code, stdout } = await generated(folders, ['--files', '3', '--rows', '40', '--json'])
  expect(code).toBe(0)
  const files = contents(folders.input)
  const names = Object.keys(files)
  expect(names).toHaveLength(3)
  for (const [index, name] of names.entries()) {
    expect(name).toMatch(new RegExp(`^events_\\d{8}T\\d{9}Z_[0-9a-z]{6}_00000${index + 1}\\.csv$`))
    expect(judgeFileName(name)).toBe('accepted')
    const lines = files[name]!.split('\n')
    expect(lines[0]).toBe(HEADER)
    expect(lines).toHaveLength(42)
    expect(lines.at(-1)).toBe('')
  }
  expect(readdirSync(folders.temp)).toEqual([])
  const bytes = Object.values(files).join('').length
  const summary = JSON.parse(stdout)
  expect(summary).toMatchObject({ files: 3, rows: 120, good: 120, bad: 0, bytes, stopped: false })
})

test('the sizes of files stay within BATCH_SIZE_MIN and BATCH_SIZE_MAX; --rows wins', async () => {
  const folders = await freshFolders()
  const env = { BATCH_SIZE_MIN: '3', BATCH_SIZE_MAX: '5' }
  await generated(folders, ['--files', '30'], env)
  const sizes = Object.values(contents(folders.input)).map(text => text.split('\n').length - 2)
  expect(new Set(sizes)).toEqual(new Set([3, 4, 5]))
  const others = await freshFolders()
  await generated(others, ['--files', '1', '--rows', '9'], env)
  expect(Object.values(contents(others.input))[0]!.split('\n')).toHaveLength(11)
})

test('one seed and one start time make the same bytes, and write over nothing', async () => {
  const args = ['--files', '2', '--rows', '10-2000', '--bad-rate', '0.1', ...REPEATED]
  const [one, two] = [await freshFolders(), await freshFolders()]
  await Promise.all([generated(one, args), generated(two, args)])
  const files = contents(one.input)
  expect(contents(two.input)).toEqual(files)
  const again = await generated(one, args)
  expect(again.code).toBe(1)
  expect(again.stderr).toMatch(/^error: \S+ is already there; nothing was written over$/m)
  expect(contents(one.input)).toEqual(files)
  expect(readdirSync(one.temp)).toEqual([])
})

test('one seed at another time makes the same events under other ids and names', async () => {
  const folders = await freshFolders()
  const args = ['--files', '1', '--rows', '500', '--seed', '7']
  await Promise.all([generated(folders, args), generated(folders, args)])
  const [one, two] = Object.values(contents(folders.input)).map(text =>
    text
      .split('\n')
      .slice(1, -1)
      .map(line => line.split(',')),
  ) as [string[][], string[][]]
  const said = (row: string[]) => [...row.slice(2, 6), row[6]!.split('-')[1]]
  expect(two.map(said)).toEqual(one.map(said))
  expect(new Set([...one, ...two].map(row => row[0])).size).toBe(1000)
  expect(new Set([...one, ...two].map(row => row[6]!.split('-')[0])).size).toBe(2)
})

test('faults, duplicates and a manifest leave the good rows of a seed as they were', async () => {
  const [plain, spoiled] = [await freshFolders(), await freshFolders()]
  const args = ['--files', '1', '--rows', '1000', ...REPEATED]
  await generated(plain, args)
  await generated(spoiled, [...args, '--bad-rate', '0.05', '--duplicate-rate', '0.05'])
  const [before, after] = [plain, spoiled].map(({ input }) =>
    Object.values(contents(input))[0]!.split('\n'),
  ) as [string[], string[]]
  const kept = before.filter((line, index) => line === after[index]).length
  expect(kept).toBeGreaterThan(850)
  expect(kept).toBeLessThan(930)
})

test('all faults of a configuration are told at once, with exit 2', async () => {
  const folders = await freshFolders()
  const args = [
    '--files',
    'x',
    '--rows',
    '5-a',
    '--rate',
    '1',
    '--interval',
    '4',
    '--bad-rate',
    '2',
  ]
  const { code, stderr } = await generated(folders, args, { LOG_LEVEL: 'loud' })
  expect(code).toBe(2)
  const faults = stderr.trim().split('\n')
  expect(faults.every(fault => fault.startsWith('error: '))).toBe(true)
  for (const name of ['--files', '--rows', '--interval and --rate', '--bad-rate', 'LOG_LEVEL']) {
    expect(faults.filter(fault => fault.startsWith(`error: ${name}: `))).toHaveLength(1)
  }
  const turned = await generated(folders, ['--rows', '9-3'])
  expect([turned.code, turned.stderr]).toEqual([
    2,
    'error: --rows: expected at most 3, the maximum, found 9\n',
  ])
  expect((await generated(folders, ['--nonsense'])).code).toBe(2)
})

test('the help tells of every flag and setting', async () => {
  const { code, stdout } = await generated(await freshFolders(), ['--help'])
  expect(code).toBe(0)
  for (const word of ['--files', '--start-time', '--manifest', 'BATCH_INTERVAL', 'TEMP_DIR']) {
    expect(stdout).toContain(word)
  }
})

test('settings come from .env where neither a flag nor the environment says otherwise', async () => {
  const folders = await freshFolders()
  await writeFile(join(folders.root, '.env'), 'BATCH_SIZE_MIN=7\nBATCH_SIZE_MAX=7\n')
  const service = startService(MAIN, {
    args: ['--files', '1'],
    env: folders.env,
    cwd: folders.root,
  })
  await service.exit()
  expect(Object.values(contents(folders.input))[0]!.split('\n')).toHaveLength(9)
})

test('nothing is animated or coloured where nobody looks', async () => {
  const { stdout, stderr } = await generated(await freshFolders(), ['--files', '5'])
  expect(stdout + stderr).not.toContain('\x1b')
  expect(stdout).toMatch(/^Wrote 5 files with \d+ rows/)
})
