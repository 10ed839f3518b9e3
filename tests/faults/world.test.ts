import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { serverAccount } from '../../services/local/account.ts'
import { breaches, countersOff } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, readiness, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { onStatement, startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

test('49: ingestors whose clocks are a day off either way share the work as if they were right', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(30, { seed: 500, rows: 200 })
  const ingestors = [dayOff(86_400_000), dayOff(-86_400_000)].map(nodeArgs =>
    startIngestor(database, folders, { INGEST_BATCH_ROWS: '100' }, { nodeArgs }),
  )
  for (const ingestor of ingestors) await ingestor.waitForLog('ready')
  for (const file of files) await publish([file], folders)
  await drained(database, files)
  for (const ingestor of ingestors) {
    expect(ingestor.log.filter(({ msg }) => msg === 'fenced')).toEqual([])
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  }
  expect(await breaches({ database, folders, files })).toEqual([])
  expect(
    await database.value(`select count(*) from ingest_files where epoch > 1 and attempts > 0`),
    'files taken over from a live owner',
  ).toBe(0)
})

test('50: four ingestors offered the same files take each once', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(200, { seed: 501, rows: 20 })
  await publish(files, folders)
  const ingestors = Array.from({ length: 4 }, () => startIngestor(database, folders))
  await drained(database, files)
  for (const ingestor of ingestors) {
    await ingestor.waitForLog('ready', 30_000)
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  }
  expect(await breaches({ database, folders, files })).toEqual([])
  expect(await database.value('select sum(rows_duplicate)::int from ingest_files')).toBe(0)
}, 60_000)

test('27: 300 ms to the server and back make it slow, not wrong', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(2, { seed: 502, rows: 200 })
  const proxy = await startProxy(database)
  proxy.delayMs = 150
  const ingestor = startIngestor(proxy, folders, { INGEST_LEASE_SECONDS: '10' })
  await publish(files, folders)
  await drained(database, files, 60_000)
  expect(await ingestor.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, folders, files })).toEqual([])
}, 90_000)

test('27: a twentieth of the packets lost makes it slow, not wrong', async context => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(10, { seed: 505, rows: 400 })
  const proxy = await startProxy(database)
  const lost = await losePackets(new URL(proxy.url).port, 0.05)
  if (!lost) return context.skip('iptables with its statistic match may not be used here')
  const ingestor = startIngestor(proxy, folders, {
    INGEST_BATCH_ROWS: '100',
    INGEST_LEASE_SECONDS: '10',
  })
  await publish(files, folders)
  await drained(database, files, 60_000)
  expect(await ingestor.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null })
  expect(await lost()).toBeGreaterThan(5)
  expect(await breaches({ database, folders, files })).toEqual([])
}, 90_000)

test.each([
  ['is lost', 'lose the answer'],
  ['never comes to be', 'drop'],
] as const)(
  'a claim whose answer %s is made again, or runs out: no file is left lying',
  async (_, kind) => {
    const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
    const files = makeFiles(5, { seed: 503, rows: 50 })
    const proxy = await startProxy(database)
    const ingestor = startIngestor(proxy, folders)
    await ingestor.waitForLog('ready')
    // The first claims of the two lanes find nothing; one that finds something is what is wanted.
    await publish(files, folders)
    await database.query(`select count(*) from ingest_files`)
    proxy.mischief = onStatement(/^with candidate/, { kind }, 2)
    await drained(database, files)
    expect(proxy.done).toBe(2)
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    expect(await breaches({ database, folders, files })).toEqual([])
  },
)

test('29: a full disk under the table holds everything up, and lets go once there is room', async context => {
  const disk = await smallDisk(24)
  if (!disk) return context.skip('no tmpfs can be mounted here')
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  await database.query(`create tablespace ${database.name} location '${disk}'`)
  atTestEnd(async () => {
    await database.query(`alter table user_activity set tablespace pg_default`)
    await database.query(`drop tablespace ${database.name}`)
  })
  await database.query(`alter table user_activity set tablespace ${database.name}`)
  const filler = join(disk, 'filler')
  const { bavail, bsize } = await statfs(disk)
  await writeFile(filler, Buffer.alloc(bavail * bsize - 256 * 1024))

  const files = makeFiles(6, { seed: 504, rows: 2_000 })
  await publish(files, folders)
  const ingestor = startIngestor(database, folders, { INGEST_BATCH_ROWS: '500' })
  await ingestor.waitForLog(line => line.code === '53100', 20_000)
  await until('not ready', async () => (await readiness(ingestor)).status === 503)
  expect(await countersOff(database)).toEqual([])
  expect(
    await database.value(
      `select count(*) from user_activity_errors where reason = 'refused_by_database'`,
    ),
  ).toBe(0)

  await rm(filler)
  await drained(database, files, 45_000)
  await until('ready again', async () => (await readiness(ingestor)).status === 200)
  expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches({ database, folders, files })).toEqual([])
}, 90_000)

/**
 * Drops packets to and from one local port.
 * @returns how many were dropped; null where there is no right to
 */
async function losePackets(
  port: string,
  probability: number,
): Promise<(() => Promise<number>) | null> {
  const random = ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)]
  const rules = ['--dport', '--sport'].map(end => ['-p', 'tcp', end, port, ...random, '-j', 'DROP'])
  for (const rule of rules) {
    try {
      await run('iptables', ['-w', '-I', 'INPUT', ...rule])
    } catch {
      return null
    }
    atTestEnd(() => run('iptables', ['-w', '-D', 'INPUT', ...rule]))
  }
  return async () => {
    const { stdout } = await run('iptables', ['-w', '-nvxL', 'INPUT'])
    const ours = stdout.split('\n').filter(line => line.split(/[\s:]+/).includes(port))
    return ours.reduce((sum, line) => sum + Number.parseInt(line, 10), 0)
  }
}

/** Options of node that shift what it takes for the time of day. */
function dayOff(ms: number): string[] {
  const shifted = `
    const Real = Date
    globalThis.Date = class extends Real {
      constructor(...at) { at.length === 0 ? super(Real.now() + ${ms}) : super(...at) }
      static now() { return Real.now() + ${ms} }
    }`
  return ['--import', `data:text/javascript,${encodeURIComponent(shifted)}`]
}

/** A disk of so many megabytes, of the server's user; null where there is no right to mount one. */
async function smallDisk(megabytes: number): Promise<string | null> {
  const parent = await mkdtemp(join(tmpdir(), 'hot-folder-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'none', parent])
  } catch {
    await rm(parent, { recursive: true })
    return null
  }
  atTestEnd(async () => {
    await run('umount', ['-l', parent])
    await rm(parent, { recursive: true })
  })
  const folder = join(parent, 'space')
  await mkdir(folder)
  const account = await serverAccount()
  if (account.uid !== undefined) await chown(folder, account.uid, account.gid)
  return folder
}
