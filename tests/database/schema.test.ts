import { expect, test } from 'vitest'
import { migrate } from '../../services/migrate/migrate.ts'
import { migrations, requireSchema } from '../../services/runtime/migrations.ts'
import { emptyDatabase, freshDatabase, type TestDatabase } from '../support/postgres.ts'

const FILE = `insert into ingest_files (file_name, size_bytes, mtime_ns, inode) values ('a.csv', 100, 0, 0)`

const IMPOSSIBLE = [
  ['a row that is not accounted for', 'rows_read = 1, line_no = 2', 'every_row_is_accounted_for'],
  ['a line that is not accounted for', 'line_no = 2', 'every_line_is_accounted_for'],
  ['done before the last byte', `status = 'done', byte_offset = 99`, 'done_means_to_the_last_byte'],
  ['an offset past the end', 'byte_offset = 101', 'never_past_the_end'],
  ['active without an owner', `status = 'active'`, 'active_has_an_owner'],
  ['an owner without a lease', `status = 'active', owner = 'me'`, 'active_has_an_owner'],
  ['an owner of what is not active', `owner = 'me', lease_until = now()`, 'active_has_an_owner'],
  ['refused without a reason', `status = 'refused'`, 'refused_says_why'],
  ['a reason without refusal', `reason = 'changed'`, 'refused_says_why'],
  ['a negative offset', 'byte_offset = -1', 'ingest_files_byte_offset_check'],
  [
    'a counter below zero',
    'rows_loaded = -1, rows_duplicate = 1',
    'ingest_files_rows_loaded_check',
  ],
]

test('the checkpoint table refuses what cannot be', async () => {
  const database = await freshDatabase()
  await database.query(FILE)
  for (const [what, change, constraint] of IMPOSSIBLE) {
    const setting = database.query(`update ingest_files set ${change}`)
    await expect(setting, what).rejects.toMatchObject({ constraint })
  }
})

test('the checkpoint table refuses one generation twice', async () => {
  const database = await freshDatabase()
  await database.query(FILE)
  await expect(database.query(FILE)).rejects.toMatchObject({ code: '23505' })
})

test('starters that race to migrate apply each migration once', async () => {
  const database = await emptyDatabase()
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.pool)))
  expect(applied.flat()).toEqual(migrations().map(({ name }) => name))
  await requireSchema(database.pool)
})

test('a migration that fails leaves nothing of any of them', async () => {
  const database = await emptyDatabase()
  await database.query('create table ingest_files (in_the_way integer)')
  await expect(migrate(database.pool)).rejects.toMatchObject({ code: '42P07' })
  expect(await tables(database)).toEqual(['ingest_files'])
})

test('a migration that was changed after it was applied is refused by name', async () => {
  const database = await freshDatabase()
  await database.query(`update schema_migrations set hash = 'another' where version = 2`)
  await expect(migrate(database.pool)).rejects.toMatchObject({
    name: 'ConfigurationError',
    faults: [
      expect.stringMatching(/^sql\/0002_ingest_files\.sql: expected the file that was applied/),
    ],
  })
})

test('a schema that is newer than the code is refused by version', async () => {
  const database = await freshDatabase()
  await database.query(
    `insert into schema_migrations (version, name, hash) values (9999, '9999_later.sql', '')`,
  )
  const newest = migrations().at(-1)!.version
  const faults = [expect.stringContaining(`version ${newest}, found 9999`)]
  await expect(migrate(database.pool)).rejects.toMatchObject({ faults })
  await expect(requireSchema(database.pool)).rejects.toMatchObject({ faults })
})

test('a schema that is older than the code is refused, and says what to do', async () => {
  const database = await freshDatabase()
  const newest = migrations().at(-1)!.version
  await database.query('delete from schema_migrations where version = $1', [newest])
  await expect(requireSchema(database.pool)).rejects.toMatchObject({
    faults: [expect.stringMatching(`version ${newest}, found ${newest - 1}; run .npm run migrate`)],
  })
})

async function tables(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  )
  return rows.map(({ name }) => name)
}
