import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { emptyDatabase, freshDatabase } from '../support/postgres.ts'
import { command } from './command.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

interface Report {
  fit: boolean
  diagnoses: { about: string; found: string; fault: string | null; remedy: string | null }[]
}
const aboutFaults = (report: unknown) =>
  (report as Report).diagnoses.filter(({ fault }) => fault !== null).map(({ about }) => about)

test('a fit place: everything is looked at, nothing is at fault, nothing is left behind', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const { code, json } = await command(['doctor', '--json'], database, folders)
  const { diagnoses } = json as Report
  expect(diagnoses.map(({ about }) => about)).toEqual([
    ...[
      'database',
      'schema',
      'folder',
      'folder',
      'folder',
      'one mount',
      'events',
      'disk space',
      'clocks',
    ],
  ])
  expect(aboutFaults(json)).toEqual([])
  expect(code).toBe(0)
  expect(await readdir(folders.input)).toEqual([])
  expect(await readdir(folders.archive)).toEqual([])
})

test('no server and no folder: each with its remedy, and 1', async () => {
  const folders = await freshFolders()
  await rm(folders.archive, { recursive: true })
  const nowhere = { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: '1' }
  const { code, stdout } = await command(['doctor'], null, folders, nowhere)
  expect(stdout).toMatch(/FAULT database: 127\.0\.0\.1:1.*ECONNREFUSED\n\s+remedy: start it/)
  expect(stdout).toContain(
    `FAULT folder: ${folders.archive}: ENOENT\n      remedy: mkdir -p ${folders.archive}`,
  )
  expect(stdout).toContain('2 faults')
  expect(code).toBe(1)
})

test('a database without the schema: npm run migrate', async () => {
  const [database, folders] = [await emptyDatabase(), await freshFolders()]
  const { code, json } = await command(['doctor', '--json'], database, folders)
  expect(aboutFaults(json)).toEqual(['schema'])
  expect((json as Report).diagnoses[1]!.remedy).toContain('npm run migrate')
  expect(code).toBe(1)
})

test('a command finds the database of a running npm start by itself, unless told of another', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  await mkdir(join(folders.root, 'postgres'))
  await writeFile(join(folders.root, 'postgres', 'url'), `${database.url}\n`)
  const found = await command(['status', '--json'], null, folders, {
    POSTGRES_PASSWORD: 'for Docker',
  })
  expect(found.json).toMatchObject({ files: { done: 0 }, ingestors: [] })
  const nowhere = { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: '1' }
  expect(await command(['status'], null, folders, nowhere)).toMatchObject({ code: 75 })
})
