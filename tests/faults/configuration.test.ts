import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { readiness, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { ownServer } from '../support/own-server.ts'
import { freshDatabase, openDatabase } from '../support/postgres.ts'
import { type RunningService, startService } from '../support/process.ts'
import { inOrder, terminateSessions, working } from '../support/scene.ts'
import { until } from '../support/until.ts'

test('33: a database that has become read-only is waited for, and nothing is archived', async () => {
  const { database, folders, files, ingestor } = await working({ publishNow: false })
  await database.query(`alter database ${database.name} set default_transaction_read_only = on`)
  await terminateSessions(database)
  await publish(files, folders)
  await ingestor.waitForLog(line => line.code === '25006')
  expect((await readiness(ingestor)).status).toBe(503)
  expect(await readdir(folders.archive)).toEqual([])
  const admin = await database.pool.connect()
  await admin.query('set default_transaction_read_only = off')
  await admin.query(`alter database ${database.name} reset default_transaction_read_only`)
  admin.release(true)
  await terminateSessions(database)
  await inOrder({ database, folders, files }, ingestor)
})

test('34: a right that is taken away is a configuration fault until it is given back', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const role = `clerk_${database.name}`
  await database.query(
    `create role ${role} login password 'Secret-7';
     grant all on all tables in schema public to ${role};
     grant all on all functions in schema public to ${role};
     grant temporary on database ${database.name} to ${role};
     revoke insert on user_activity from ${role}`,
  )
  atTestEnd(() => database.query(`drop owned by ${role}; drop role ${role}`))
  const files = makeFiles(3, { seed: 414, rows: 100 })
  await publish(files, folders)
  const env = { ...database.env, POSTGRES_USER: role, POSTGRES_PASSWORD: 'Secret-7' }
  const ingestor = startIngestor({ env }, folders)
  const fault = await ingestor.waitForLog(line => line.code === '42501')
  expect(fault).toMatchObject({ level: 'error', what: 'commit' })
  await until('not ready', async () => (await readiness(ingestor)).status === 503)
  await noHotLoop(ingestor, '42501')
  expect(await readdir(folders.archive)).toEqual([])
  await database.query(`grant insert on user_activity to ${role}`)
  await inOrder({ database, folders, files }, ingestor)
})

test.each([
  ['a wrong password', { POSTGRES_PASSWORD: 'Secret-8' }, '28P01'],
  [
    'a user that is not there',
    { POSTGRES_USER: 'nobody-here', POSTGRES_PASSWORD: 'Secret-8' },
    '28P01',
  ],
  ['a database that is not there', { POSTGRES_DB: 'not_there', POSTGRES_PASSWORD: '' }, '3D000'],
])(
  '34: %s is said in one clear line without the secret, and not in a hot loop',
  async (_, wrong, code) => {
    const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
    const secret = wrong.POSTGRES_PASSWORD || database.env.POSTGRES_PASSWORD!
    const env = { ...database.env, ...wrong, POSTGRES_PASSWORD: secret }
    const ingestor = startIngestor({ env }, folders)
    const fault = await ingestor.waitForLog(line => line.level === 'error')
    expect(fault).toMatchObject({ code, what: 'connect' })
    expect((await readiness(ingestor)).status).toBe(503)
    await noHotLoop(ingestor, code)
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    expect(ingestor.stderr()).not.toContain(secret)
  },
)

test.each([
  [
    'no schema at all',
    'drop table schema_migrations',
    /expected version \d+, found 0; run .npm run migrate/,
  ],
  [
    'an older schema',
    'delete from schema_migrations where version = (select max(version) from schema_migrations)',
    /run .npm run migrate/,
  ],
  [
    'a newer schema',
    `insert into schema_migrations values (9999, '9999_x.sql', '')`,
    /found 9999; use the newer release/,
  ],
])('36: %s is refused by version, with exit 2, before anything is read', async (_, ddl, said) => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  await publish(makeFiles(1, { seed: 415, rows: 10 }), folders)
  await database.query(ddl)
  const ingestor = startIngestor(database, folders)
  expect(await ingestor.exit(30_000)).toEqual({ code: 2, signal: null })
  expect(ingestor.stderr()).toMatch(said)
  expect(await database.value('select count(*) from ingest_files')).toBe(0)
})

test('35: an empty volume and a server that starts slowly: nothing is read before the schema is there', async () => {
  const [server, folders] = await Promise.all([ownServer(), freshFolders()])
  await server.database.query('create database empty')
  const env = { ...server.database.env, POSTGRES_DB: 'empty' }
  await server.crash()
  const files = makeFiles(2, { seed: 416, rows: 50 })
  await publish(files, folders)

  const early = startIngestor({ env }, folders)
  await early.waitForLog(line => line.what === 'connect')
  expect((await readiness(early)).status).toBe(503)
  await server.start()
  expect(await early.exit(30_000)).toEqual({ code: 2, signal: null })
  expect(early.stderr()).toMatch(/expected version \d+, found 0; run .npm run migrate/)
  expect(await readdir(folders.input)).toHaveLength(2)

  const migrating = startService('services/migrate/main.ts', { env })
  expect(await migrating.exit()).toEqual({ code: 0, signal: null })
  const database = openDatabase(server.database.url, 'empty')
  const ingestor = startIngestor({ env }, folders)
  await inOrder({ database, folders, files }, ingestor)
})

/** In a second a back-off from 0.1 s comes to three or four tries. */
async function noHotLoop(ingestor: RunningService, code: string): Promise<void> {
  const tries = () => ingestor.log.filter(line => line.code === code).length
  const before = tries()
  await sleep(1_000)
  expect(tries() - before).toBeLessThan(8)
}
