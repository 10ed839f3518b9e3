import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COLUMNS } from '../../services/contract/event.ts'
import { parseLine } from '../../services/ingestor/parse.ts'
import { freshFolders } from '../support/folders.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

interface Entry {
  file: string
  line: number
  offset: number
  verdict: 'good' | 'duplicate' | 'reject'
  reason?: string
  event?: Record<string, string>
  raw?: string
}

const MAIN = 'services/generator/main.ts'

const entriesOf = (path: string): Entry[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))

const bareLine = (bytes: Buffer) => bytes.subarray(0, bytes.at(-1) === 13 ? -1 : undefined)

test('a manifest accounts for every byte of every file', async () => {
  const folders = await freshFolders()
  const path = join(folders.root, 'answers.jsonl')
  const args = ['--files', '3', '--rows', '1500', '--bad-rate', '0.2', '--duplicate-rate', '0.1']
  const service = startService(MAIN, {
    args: [...args, '--manifest', path, '--json'],
    env: folders.env,
  })
  expect((await service.exit()).code).toBe(0)
  const entries = entriesOf(path)
  const summary = JSON.parse(service.stdout())
  expect(entries).toHaveLength(4500)

  const goodById = new Map<string, Entry>()
  const reasons: Record<string, number> = {}
  for (const [name, own] of Map.groupBy(entries, ({ file }) => file)) {
    const bytes = readFileSync(join(folders.input, name))
    let offset = bytes.indexOf(10) + 1
    for (const [index, entry] of own.entries()) {
      expect([entry.line, entry.offset]).toEqual([index + 2, offset])
      const end = bytes.indexOf(10, offset)
      const line = bytes.subarray(offset, end)
      offset = end + 1
      if (entry.verdict === 'reject') {
        reasons[entry.reason!] = (reasons[entry.reason!] ?? 0) + 1
        expect(entry.raw).toBe(line.subarray(0, 8192).toString('base64'))
        if (entry.reason !== 'id_conflict') continue
        const earlier = goodById.get(line.subarray(0, line.indexOf(44)).toString())
        expect(earlier?.event).toBeDefined()
        continue
      }
      const parsed = parseLine(bareLine(line))
      expect(parsed.ok && parsed.fields).toEqual(COLUMNS.map(column => entry.event![column]))
      const id = entry.event!.event_id!
      if (entry.verdict === 'duplicate') expect(goodById.get(id)?.event).toEqual(entry.event)
      else expect(goodById.has(id)).toBe(false)
      if (entry.verdict === 'good') goodById.set(id, entry)
    }
    expect(offset).toBe(bytes.length)
  }
  expect(summary.badByReason).toEqual(reasons)
  expect(Object.keys(reasons)).toHaveLength(15)
  expect(summary.good).toBe(goodById.size)
  expect(summary.bad / 4500).toBeGreaterThan(0.17)
  expect(summary.bad / 4500).toBeLessThan(0.23)
  expect(summary.duplicates / 4500).toBeGreaterThan(0.08)
  expect(summary.duplicates / 4500).toBeLessThan(0.12)
})

test('after a stop a manifest holds the published files and no other', async () => {
  const folders = await freshFolders()
  const path = join(folders.root, 'answers.jsonl')
  const service = startService(MAIN, {
    args: ['--rows', '30000', '--interval', '0', '--manifest', path],
    env: folders.env,
  })
  await service.waitForLog('published')
  expect((await service.stop()).code).toBe(0)
  const perFile = Map.groupBy(entriesOf(path), ({ file }) => file)
  for (const [name, entries] of perFile) {
    expect(entries).toHaveLength(30_000)
    expect(existsSync(join(folders.input, name)), name).toBe(true)
  }
})

test('after a SIGKILL a manifest still holds every published file', async () => {
  const folders = await freshFolders()
  const path = join(folders.root, 'answers.jsonl')
  const args = ['--rows', '200', '--interval', '0', '--manifest', path, '--json']
  const service = startService(MAIN, { args, env: folders.env })
  const names = await until('ten files', () => {
    const there = readdirSync(folders.input).filter(name => name.endsWith('.csv'))
    return there.length >= 10 && there
  })
  await service.stop('SIGKILL')
  const text = readFileSync(path, 'utf8')
  for (const name of names) expect(text.split(`"file":"${name}"`)).toHaveLength(201)
})

test('a manifest that is already there is not touched', async () => {
  const folders = await freshFolders()
  const path = await folders.drop('answers.jsonl', 'mine')
  const service = startService(MAIN, {
    args: ['--files', '1', '--manifest', path],
    env: folders.env,
  })
  expect((await service.exit()).code).toBe(2)
  expect(service.stderr()).toBe(
    `error: --manifest: expected a file that is not there yet, found ${path}\n`,
  )
  expect(readFileSync(path, 'utf8')).toBe('mine')
})
