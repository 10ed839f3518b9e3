import { describe, expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'
import { accounted, ingestOnce, startOnce } from './once.ts'

const row = (n: number, over: { price?: string; time?: string; session?: string } = {}) =>
  `${idOf(n)},${over.time ?? '2026-01-02 07:15:22'},view,1,${over.price ?? '9.99'},2,${over.session ?? 's'}`
const fileOf = (rows: readonly string[]) => `${HEADER}\n${rows.join('\n')}\n`
const many = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => row(from + n))

const counters = (database: TestDatabase) =>
  database.query(
    `select sum(rows_loaded)::int as loaded, sum(rows_duplicate)::int as duplicate,
            sum(rows_rejected)::int as rejected, (select count(*)::int from user_activity) as stored
       from ingest_files`,
  )

describe('72: the same event_id twice', () => {
  const twins = [
    row(1),
    row(1),
    // The same content in other clothes.
    row(1, { time: '2026-01-02T08:15:22+01:00', price: '9.990'.slice(0, 4), session: '"s"' }),
    row(1).toUpperCase().replace('VIEW', 'view').replace(',S', ',s'),
    row(2, { price: '5' }),
    row(2, { price: '5.00' }),
    row(2, { price: '5.01' }),
  ]
  const message =
    'event_id: expected a new id or the same content, found 018f4e9a-7c1b-7cc3-9a51-000000000002 already loaded from a.csv line 6 with another price'

  test.each(['1', '2', '20000'])(
    'in one file, %s rows a transaction: one row, duplicates counted, a conflict rejected',
    async batchRows => {
      const [database, folders] = [await freshDatabase(), await freshFolders()]
      await folders.drop('a.csv', fileOf(twins))
      await ingestOnce(database, folders, { env: { INGEST_BATCH_ROWS: batchRows } })
      expect(await counters(database)).toEqual([
        { loaded: 2, duplicate: 4, rejected: 1, stored: 2 },
      ])
      expect(
        await database.query(
          'select line_no, reason, column_name, error_message, convert_from(raw_line, $1) as raw from user_activity_errors',
          ['utf8'],
        ),
      ).toEqual([
        {
          line_no: 8,
          reason: 'id_conflict',
          column_name: 'event_id',
          error_message: message,
          raw: twins[6],
        },
      ])
      expect(await accounted(database)).toEqual([])
    },
  )

  test('across files of one run and of two: one row, whoever brings it', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    await folders.drop('a.csv', fileOf(many(0, 300)))
    await folders.drop('b.csv', fileOf(many(200, 500)))
    await ingestOnce(database, folders)
    expect(await counters(database)).toEqual([
      { loaded: 500, duplicate: 100, rejected: 0, stored: 500 },
    ])
    await folders.drop('c.csv', fileOf([...many(400, 600), row(0, { session: 'other' })]))
    await ingestOnce(database, folders)
    expect(await counters(database)).toEqual([
      { loaded: 600, duplicate: 200, rejected: 1, stored: 600 },
    ])
    expect(await accounted(database)).toEqual([])
  })

  test('across two ingestors at once: one row, the rest duplicates', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    for (let file = 0; file < 24; file++)
      await folders.drop(`same-${file}.csv`, fileOf(many(0, 400).sort(() => (file % 2 ? 1 : -1))))
    const env = { INGEST_BATCH_ROWS: '100', INGEST_LEASE_SECONDS: '5' }
    const both = [startOnce(database, folders, { env }), startOnce(database, folders, { env })]
    const exits = await Promise.all(both.map(service => service.exit(60_000)))
    expect(exits.map(({ code }) => code)).toEqual([0, 0])
    expect(await counters(database)).toEqual([
      { loaded: 400, duplicate: 23 * 400, rejected: 0, stored: 400 },
    ])
    expect(await accounted(database)).toEqual([])
  })

  test('52: the same content under another name is all duplicates, visible as such', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    await folders.drop('a.csv', fileOf(many(0, 50)))
    await ingestOnce(database, folders)
    await folders.drop('copy of a.csv', fileOf(many(0, 50)))
    expect((await ingestOnce(database, folders)).summary.rows).toEqual({
      read: 50,
      loaded: 0,
      duplicate: 50,
      rejected: 0,
    })
    expect(
      await database.query(
        'select status, rows_loaded, rows_duplicate from ingest_files where file_name = $1',
        ['copy of a.csv'],
      ),
    ).toEqual([{ status: 'done', rows_loaded: 0, rows_duplicate: 50 }])
  })
})

describe('71: what passes validation and PostgreSQL refuses', () => {
  const TRIGGER = (when: string) => `
    create function no_unlucky() returns trigger language plpgsql as $$
    begin
      if new.product_id = 13 then raise exception 'unlucky product' using errcode = '23514', detail = 'it is 13'; end if;
      return new;
    end $$;
    ${when}`
  test.each([
    [
      'a constraint of the user',
      'alter table user_activity add constraint not_13 check (product_id <> 13)',
      /violates check constraint "not_13".*\[SQLSTATE 23514\]$/s,
    ],
    [
      'a trigger of the user',
      TRIGGER(
        'create trigger unlucky before insert on user_activity for each row execute function no_unlucky()',
      ),
      /found: unlucky product \(it is 13\) \[SQLSTATE 23514\]$/,
    ],
    [
      'a trigger that drops the row in silence',
      `create function hush() returns trigger language plpgsql as $$ begin return case when new.product_id = 13 then null else new end; end $$;
      create trigger hush before insert on user_activity for each row execute function hush()`,
      /kept back 1 of 1 rows \[SQLSTATE 23W01\]$/,
    ],
    [
      'a trigger deferred to COMMIT',
      TRIGGER(
        'create constraint trigger unlucky after insert on user_activity deferrable initially deferred for each row execute function no_unlucky()',
      ),
      /found: unlucky product \(it is 13\) \[SQLSTATE 23514\]$/,
    ],
    [
      'a second unique key',
      'create unique index one_session on user_activity (session_id) where product_id = 13',
      /duplicate key value.*\[SQLSTATE 23505\]$/s,
    ],
  ])('by %s is found among its neighbours and rejected alone', async (what, sql, message) => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    await database.query(sql)
    const rows = many(0, 500).map((line, n) =>
      line.replace(',view,1,', n === 77 || n === 400 ? ',view,13,' : ',view,1,'),
    )
    await folders.drop('a.csv', fileOf(rows))
    const { code } = await ingestOnce(database, folders)
    expect(code).toBe(0)
    const refused = await database.query<{ line_no: number; error_message: string }>(
      'select line_no, reason, error_message, convert_from(raw_line, $1) as raw from user_activity_errors order by line_no',
      ['utf8'],
    )
    const lines = what === 'a second unique key' ? [402] : [79, 402]
    expect(refused).toEqual(
      lines.map(line_no => ({
        line_no,
        reason: 'refused_by_database',
        error_message: expect.stringMatching(message),
        raw: rows[line_no - 2],
      })),
    )
    expect(await database.value('select count(*) from user_activity')).toBe(500 - lines.length)
    expect(await accounted(database)).toEqual([])
  })
})
