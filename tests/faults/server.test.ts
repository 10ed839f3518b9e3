import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { Chance, seedOf } from '../support/chance.ts'
import { sampleCounters } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, readiness, startIngestor } from '../support/ingestor.ts'
import { anEvent, fileOf, makeFiles, publish } from '../support/made-file.ts'
import { ownServer } from '../support/own-server.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { LogLine } from '../support/process.ts'
import { heldInBatch, inOrder, sessions, terminateSessions, working } from '../support/scene.ts'
import { until } from '../support/until.ts'

const TERMINATIONS = Number(process.env.TEST_TERMINATIONS ?? 20)
const CRASHES = Number(process.env.TEST_SERVER_CRASHES ?? 2)

test('19: sessions that are ended while idle cost nothing', async () => {
  const { database, folders, files, ingestor } = await working({ publishNow: false })
  for (let round = 0; round < 3; round++) {
    await until('sessions', async () => (await terminateSessions(database)) > 0)
    await publish(files.slice(round, round + 1), folders)
    await drained(database, files.slice(round, round + 1))
  }
  await publish(files.slice(3), folders)
  await inOrder({ database, folders, files }, ingestor)
})

test('20: a session that is ended in the middle of a COPY is thrown away, and the batch stored once', async () => {
  const { database, folders, files, ingestor, release } = await heldInBatch(/^copy data$/)
  // The rows follow their COPY without waiting for it: the server may not have begun it yet.
  await until('a session in the middle of a COPY', async () => {
    const ended = await database.value<number>(
      `select count(*) from (
         select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like 'ingestor %'
            and query like 'copy user_activity %' and state = 'active') ended`,
    )
    return ended > 0
  })
  release()
  const fault = await ingestor.waitForLog(line => line.what === 'commit')
  expect(fault).toMatchObject({ level: 'warn', msg: expect.stringContaining('trying again') })
  await inOrder({ database, folders, files }, ingestor)
})

test(
  '20: sessions that are ended at random moments of the work cost retries, no row',
  async () => {
    const seed = seedOf(`${TERMINATIONS} terminations`)
    const chance = new Chance(seed)
    const { database, folders, files, ingestor } = await working({
      publishNow: false,
      count: TERMINATIONS,
    })
    const samples = sampleCounters(database)
    let ended = 0
    for (const file of files) {
      await publish([file], folders)
      await sleep(chance.whole(0, 60))
      ended += await until('sessions', async () => (await terminateSessions(database)) || null)
    }
    console.log(`${ended} sessions ended`)
    await inOrder({ database, folders, files }, ingestor)
    expect((await samples.stop()).breached).toEqual([])
  },
  TERMINATIONS * 3_000,
)

test(
  '24: a server that crashes and comes back, again and again, is waited for',
  async () => {
    const seed = seedOf(`${CRASHES} crashes of the server`)
    const chance = new Chance(seed)
    const server = await ownServer()
    const { database } = server
    const { folders, files, ingestor } = await working({
      publishNow: false,
      database,
      count: CRASHES * 4,
    })
    for (let crash = 0; crash < CRASHES; crash++) {
      await publish(files.slice(crash * 4, crash * 4 + 4), folders)
      await sleep(chance.whole(0, 200))
      await server.crash()
      await until('not ready', async () => (await readiness(ingestor)).status === 503)
      await server.start()
    }
    await inOrder({ database, folders, files }, ingestor)
  },
  CRASHES * 30_000,
)

test('25: a backend that is killed, and takes all sessions with it, is survived', async () => {
  const server = await ownServer()
  const { database } = server
  const { folders, files, ingestor } = await working({ database })
  const pid = await until('a session', async () => (await sessions(database))[0])
  process.kill(pid, 'SIGKILL')
  await ingestor.waitForLog(line => /^(57|ECONN)/.test(String(line.code)) || isLost(line))
  await inOrder({ database, folders, files }, ingestor)
})

test('30: a server without a free connection is waited for, without a hot loop', async () => {
  const server = await ownServer({ max_connections: 10, superuser_reserved_connections: 0 })
  const { database } = server
  const taken: pg.Client[] = []
  const free = async () => {
    for (const client of taken.splice(0)) await client.end().catch(() => undefined)
  }
  atTestEnd(free)
  for (;;) {
    const client = new pg.Client({ connectionString: database.url })
    client.on('error', () => undefined)
    const full = await client.connect().then(
      () => false,
      error => error.code === '53300',
    )
    if (full) break
    taken.push(client)
  }
  const folders = await freshFolders()
  const files = makeFiles(3, { seed: 411, rows: 200 })
  await publish(files, folders)
  const ingestor = startIngestor(database, folders)
  await ingestor.waitForLog(line => line.code === '53300')
  expect((await readiness(ingestor)).status).toBe(503)
  await free()
  await drained(database, files)
  expect(ingestor.log.filter(({ code }) => code === '53300').length).toBeLessThan(12)
  await inOrder({ database, folders, files }, ingestor)
})

test('31: a deadlock with a stranger replays the whole transaction', async () => {
  const chance = new Chance(412)
  const [first, second] = [anEvent(chance), anEvent(chance)]
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = [fileOf('a.csv', [{ event: first }, { event: second }])]
  const stranger = await database.pool.connect()
  atTestEnd(() => stranger.release(true))
  const insert = 'insert into user_activity values ($1, $2, $3, $4, $5, $6, $7, 0, 0)'
  // Sooner than the lock_timeout of the ingestor, so that it is a deadlock that is found.
  await stranger.query(`set deadlock_timeout = '10 s'`)
  await stranger.query('begin')
  await stranger.query(insert, second)
  await database.query(`alter database ${database.name} set deadlock_timeout = '300 ms'`)
  const ingestor = startIngestor(database, folders)
  await publish(files, folders)
  await until('the COPY to wait', async () => {
    const [row] = await database.query(
      `select from pg_stat_activity where application_name like 'ingestor %'
          and datname = current_database() and wait_event_type = 'Lock'`,
    )
    return row
  })
  await stranger.query(insert, first).catch(() => undefined)
  await ingestor.waitForLog(line => line.code === '40P01')
  await stranger.query('rollback')
  await inOrder({ database, folders, files }, ingestor)
})

test('32: a foreign lock on one file of the checkpoint holds up that file alone', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const files = makeFiles(4, { seed: 413, rows: 100 })
  await database.query(
    `insert into ingest_files (file_name, size_bytes, mtime_ns, inode) values ('made_0000.csv', 0, 0, 0)`,
  )
  const stranger = await database.pool.connect()
  atTestEnd(() => stranger.release(true))
  await stranger.query('begin')
  await stranger.query(`select from ingest_files where file_name = 'made_0000.csv' for update`)
  const ingestor = startIngestor(database, folders)
  await publish(files, folders)
  await drained(database, files.slice(1))
  expect(await database.query('select files_pending, files_done from ingest_status')).toEqual([
    { files_pending: 1, files_done: 3 },
  ])
  await stranger.query('rollback')
  await inOrder({ database, folders, files }, ingestor)
})

test('32: a foreign lock on a file in work is a time-out that is tried again, and is told', async () => {
  const compareAndSet = /^update ingest_files f\s+set byte_offset/
  const { database, folders, files, ingestor, release } = await heldInBatch(compareAndSet)
  const stranger = await database.pool.connect()
  atTestEnd(() => stranger.release(true))
  await stranger.query('begin')
  // Beside the lock that the batch has, and in the way of the one that it needs.
  await stranger.query(`select from ingest_files where status = 'active' for no key update`)
  release()
  const fault = await ingestor.waitForLog(line => line.code === '55P03')
  expect(fault).toMatchObject({ level: 'warn', what: 'commit' })
  const { status, body } = await readiness(ingestor)
  expect(status).toBe(503)
  expect(body.faults['database: commit']).toContain('55P03')
  await stranger.query('rollback')
  await inOrder({ database, folders, files }, ingestor)
})

function isLost(line: LogLine): boolean {
  return /Connection terminated/.test(JSON.stringify([line.error, line.err]))
}
