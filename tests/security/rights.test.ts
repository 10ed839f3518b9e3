import { readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { HEADER } from '../ingestor/claimed.ts'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { until } from '../support/until.ts'
import { inMarkdown, may, rightsMatrix } from './rights.ts'
import { ROLES, type Role, type RoleServer, roleServer } from './roles.ts'

const SECURITY = new URL('../../docs/security.md', import.meta.url)
const MARKED = /(<!-- rights: tests\/security\/rights.test.ts -->\n)[\s\S]*?(\n<!-- \/rights -->)/

const SERVICES = ['ingest_writer', 'ingest_reader', 'ingest_operator'] as const

/** What no service may do, whichever it is: each statement would be a way out of its rights. */
const WAYS_OUT = {
  'make a table': 'create table mine (n integer)',
  'make a schema': 'create schema mine',
  'make a function': 'create function mine() returns integer language sql return 1',
  'make a function in C': `create function mine() returns integer language c as '/tmp/mine', 'mine'`,
  'make an extension': 'create extension file_fdw',
  'make a role': 'create role mine',
  'make itself more': 'alter role current_user createrole',
  'become the owner': 'set role myuser',
  'be given the owner': 'grant myuser to current_user',
  'change a table': 'alter table user_activity add column mine integer',
  'drop a table': 'drop table user_activity_errors',
  'drop a constraint': 'alter table ingest_files drop constraint every_row_is_accounted_for',
  'add a trigger':
    'create trigger mine before insert on user_activity for each row execute function suppress_redundant_updates_trigger()',
  'index a table': 'create index mine on user_activity (price)',
  'replace a view': 'create or replace view ingest_status as select 1 as files_pending',
  'replace a control':
    'create or replace function ingest_pause(reason text) returns text language sql as $$ select 1 $$',
  'lock everyone out': 'lock table user_activity in access exclusive mode',
  'empty a table': 'truncate user_activity',
  'delete a row': 'delete from user_activity',
  'change a row': 'update user_activity set price = 1',
  'forget a reject': 'delete from user_activity_errors',
  'change a reject': `update user_activity_errors set raw_line = ''`,
  'forget a file': 'delete from ingest_files',
  'forge the history': `insert into ingest_commands (command) values ('pause')`,
  'forget a migration': 'delete from schema_migrations',
  'read a file of the server': `select pg_read_file('postgresql.conf')`,
  'copy a file of the server': `copy pg_temp.mine from '/etc/passwd'`,
  'write a file of the server': `copy (select 1) to '/tmp/mine'`,
  'run a program there': `copy (select 1) to program 'true'`,
  'read the passwords': 'select rolpassword from pg_authid',
  'switch triggers off': `set session_replication_role = 'replica'`,
  'have the server read its settings again': 'select pg_reload_conf()',
  'set the database': 'alter database ecommerce_db set statement_timeout = 0',
  'end the session of an owner': `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'myuser'`,
  'fill the disk with large objects': `select lo_from_bytea(0, 'x')`,
  checkpoint: 'checkpoint',
} as const

describe('the rights of the roles', () => {
  let server: RoleServer
  let clients: Record<Role, pg.Client>

  beforeAll(async () => {
    server = await roleServer()
    const opened = await Promise.all(ROLES.map(async role => [role, await server.as(role)]))
    clients = Object.fromEntries(opened)
  })

  test('are those that docs/security.md shows (UPDATE_DOCS=yes writes them there)', async () => {
    const table = inMarkdown(await rightsMatrix(clients))
    const text = readFileSync(SECURITY, 'utf8')
    const wanted = text.replace(MARKED, (_, before, after) => `${before}\n${table}\n${after}`)
    if (process.env.UPDATE_DOCS === 'yes') writeFileSync(SECURITY, wanted)
    expect(text).toMatch(MARKED)
    expect(process.env.UPDATE_DOCS === 'yes' ? wanted : text).toBe(wanted)
  })

  test.each(SERVICES)('%s finds no way out of them', async role => {
    const client = clients[role]
    await client.query('set client_min_messages = error')
    const open: string[] = []
    for (const [what, statement] of Object.entries(WAYS_OUT)) {
      if (await may(client, statement)) open.push(what)
    }
    expect(open).toEqual([])
  })

  test('hide nothing: each way out is one that the owner has', async () => {
    const closed: string[] = []
    for (const [what, statement] of Object.entries(WAYS_OUT)) {
      // It has no such table, library or need.
      if (/^(end the session|copy a file|make a function in C)/.test(what)) continue
      if (!(await may(clients.owner, statement))) closed.push(what)
    }
    expect(closed).toEqual([])
  })

  test('no service is a superuser, or may make roles or databases, or goes around row security', async () => {
    const { rows } = await clients.owner.query(
      `select rolname from pg_roles where rolname like 'ingest\\_%'
          and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)`,
    )
    expect(rows).toEqual([])
    const { rows: members } = await clients.owner.query(
      `select m.member::regrole, m.roleid::regrole from pg_auth_members m where m.member::regrole::text like 'ingest\\_%'`,
    )
    expect(members).toEqual([])
  })

  test('a function that acts with the rights of the owner has a fixed search path, and not everyone may call it', async () => {
    const { rows } = await clients.owner.query(
      `select p.proname from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prosecdef
          and (p.proconfig is null or not p.proconfig::text like '%search_path=pg_catalog, public, pg_temp%'
               or exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee = 0))`,
    )
    expect(rows).toEqual([])
  })

  test('somebody who is not named gets in nowhere', async () => {
    await clients.owner.query(`create role stranger login password 'known'`)
    const { host, port, database } = server
    const client = new pg.Client({ host, port, database, user: 'stranger', password: 'known' })
    await expect(client.connect()).rejects.toMatchObject({ code: '42501' })
  })

  test('an operator pauses and resumes, and who did is on record', async () => {
    await clients.ingest_operator.query(`select ingest_pause('a test')`)
    await clients.ingest_operator.query('select ingest_resume()')
    const { rows } = await clients.ingest_reader.query(
      'select command, issued_by from ingest_commands order by command_id',
    )
    expect(rows).toEqual([
      { command: 'pause', issued_by: expect.stringMatching(/^ingest_operator /) },
      { command: 'resume', issued_by: expect.stringMatching(/^ingest_operator /) },
    ])
    for (const role of ['ingest_writer', 'ingest_reader'] as const) {
      await expect(clients[role].query(`select ingest_pause('no')`)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  test('a temporary table of the caller does not stand in for one of the controls', async () => {
    const writer = await server.as('ingest_writer')
    await writer.query('create temp table ingest_files as select * from public.ingest_files')
    await writer.query(
      `insert into pg_temp.ingest_files (file_id, file_name, status, archived_as, generation)
       values (1, 'forged.csv', 'done', 'forged.csv', 1)`,
    )
    await expect(writer.query(`select ingest_replay('forged.csv')`)).rejects.toMatchObject({
      code: 'P0001',
    })
  })

  test('are enough for an ingestor: rows, duplicates, conflicts, refusals and a replay, with no complaint', async () => {
    const folders = await freshFolders()
    const env = {
      POSTGRES_HOST: server.host,
      POSTGRES_PORT: String(server.port),
      POSTGRES_DB: server.database,
      POSTGRES_USER: 'ingest_writer',
      POSTGRES_PASSWORD: server.passwords.ingest_writer,
    }
    await clients.owner.query(
      `alter table user_activity add constraint dear check (price < 1000) not valid`,
    )
    const id = (n: number) => `018f4e9a-7c1b-7cc3-9a51-${String(n).padStart(12, '0')}`
    const row = (n: number, price: string) =>
      `${id(n)},2026-01-02 07:15:22,view,1,${price},2,s${n}\n`
    const ingestor = startIngestor({ env }, folders)
    await ingestor.waitForLog('ready').catch(error => {
      throw new Error(ingestor.stderr(), { cause: error })
    })
    const stands = async (want: Record<string, string>) =>
      until(`${JSON.stringify(want)}`, async () => {
        const { rows } = await clients.ingest_reader.query(
          'select rows_loaded, rows_duplicate, rows_rejected from ingest_status',
        )
        return Object.entries(want).every(([name, value]) => rows[0][name] === value)
      })
    await folders.drop('a.csv', `${HEADER}\n${row(1, '1.00')}${row(2, '2.00')}nonsense\n`)
    await stands({ rows_loaded: '2', rows_rejected: '1' })
    // Again, in conflict, and refused by a constraint of somebody's own.
    await folders.drop('b.csv', `${HEADER}\n${row(1, '1.00')}${row(2, '3.00')}${row(3, '5000.00')}`)
    await stands({ rows_loaded: '2', rows_duplicate: '1', rows_rejected: '3' })
    await until('the archive', async () => {
      const { rows } = await clients.ingest_reader.query(
        `select count(*) as n from ingest_files where archived_as = 'a.csv'`,
      )
      return rows[0].n === '1'
    })
    await clients.ingest_operator.query(`select ingest_replay('a.csv')`)
    await stands({ rows_duplicate: '3' })
    await until('a sign of life', async () => {
      const { rows } = await clients.ingest_reader.query(
        'select count(*) as n from ingestors, ingest_activity',
      )
      return Number(rows[0].n) > 0
    })
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    const complaints = ingestor.log.filter(line =>
      /42501|permission denied/.test(JSON.stringify(line)),
    )
    expect(complaints).toEqual([])
    expect((await clients.ingest_reader.query('select * from ingest_discrepancies')).rows).toEqual(
      [],
    )
  })
})
