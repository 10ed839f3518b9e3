import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { type Folders, freshFolders } from '../support/folders.ts'
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

const aDayOff = `data:text/javascript,const now = Date.now; Date.now = () => now() + 86_400_000`

test('a clock that is a day off: said, and that no row is at risk', async () => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const { code, json } = await command(
    ['doctor', '--json'],
    database,
    folders,
    {},
    {
      nodeArgs: ['--import', aDayOff],
    },
  )
  expect(aboutFaults(json)).toEqual(['clocks'])
  const { found, remedy } = (json as Report).diagnoses.at(-1)!
  expect(found).toMatch(/^database -86[34]\d{5} ms, folder -86[34]\d{5} ms from this machine$/)
  expect(remedy).toMatch(/NTP; no row is at risk/)
  expect(code).toBe(1)
})

// In a namespace of its own a process may mount what it likes, and be left without inotify.
test.each([
  [
    'no inotify left',
    () => 'echo 0 > /proc/sys/user/max_inotify_instances',
    ['events'],
    /^sysctl fs\.inotify\.max_user_watches=\d+ fs\.inotify\.max_user_instances=\d+$/,
  ],
  [
    'the archive on another mount',
    ({ archive }: Folders) => `mount -t tmpfs -o size=3g none ${archive}`,
    ['one mount'],
    /^mount the folder above them all as one/,
  ],
  [
    'a disk that is nearly full',
    ({ root, input, archive, refused }: Folders) =>
      `mount -t tmpfs -o size=16m none ${root} && mkdir ${input} ${archive} ${refused}`,
    ['disk space'],
    /^make room/,
  ],
])('%s: the one fault, with its remedy', async (_, prepare, faults, remedy) => {
  const [database, folders] = [await freshDatabase(), await freshFolders()]
  const inside = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c']
  try {
    execFileSync(inside[0]!, [...inside.slice(1), prepare(folders)], { stdio: 'ignore' })
  } catch {
    return console.log('skipped: there are no user namespaces here')
  }
  const { code, json } = await command(
    ['doctor', '--json'],
    database,
    folders,
    {},
    {
      under: [...inside, `${prepare(folders)} && exec "$0" "$@"`],
    },
  )
  expect(aboutFaults(json)).toEqual(faults)
  const fault = (json as Report).diagnoses.find(each => each.fault !== null)!
  expect(fault.remedy).toMatch(remedy)
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
