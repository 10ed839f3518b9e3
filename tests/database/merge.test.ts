import { expect, test } from 'vitest'
import { Chance } from '../support/chance.ts'
import { breaches } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { hands } from '../support/in-process.ts'
import {
  anEvent,
  fileOf,
  type GivenLine,
  type MadeFile,
  makeFile,
  publish,
} from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'

const chance = new Chance(20)

test('the same event twice in one batch loads once, and with other content it is a conflict', async () => {
  const event = anEvent(chance)
  const other = event.with(4, '0.01')
  const file = fileOf('a.csv', [
    ...[event, anEvent(chance), event].map(event => ({ event })),
    conflict(other),
  ])
  const { database, counters } = await ingested([file])
  expect(await breaches({ database, files: [file] })).toEqual([])
  expect(counters).toEqual([{ loaded: 2, duplicate: 1, rejected: 1 }])
})

test.each([
  [1, '2020-01-01 00:00:00'],
  [2, 'other'],
  [3, '7'],
  [4, '0.07'],
  [5, '7'],
  [6, 'another session'],
])(
  'a row that differs in column %i alone is a conflict that names the column',
  async (column, value) => {
    const event = anEvent(chance)
    const changed = event.with(column, value === 'other' ? opposite(event[2]!) : value)
    const file = fileOf('a.csv', [{ event }, conflict(changed)])
    const { database } = await ingested([file])
    expect(await breaches({ database, files: [file] })).toEqual([])
    const names = [
      'event_id',
      'event_time',
      'event_type',
      'product_id',
      'price',
      'user_id',
      'session_id',
    ]
    expect(await database.value('select error_message from user_activity_errors')).toMatch(
      new RegExp(`already loaded from a\\.csv line 2 with another ${names[column]}$`),
    )
  },
)

test('the same content in other clothes is a duplicate, not a conflict', async () => {
  const event = anEvent(chance).with(1, '2024-05-01 10:00:00').with(4, '5')
  const inClothes = (column: number, text: string) => ({ event: event.with(column, text) })
  const file = fileOf('a.csv', [
    { event },
    inClothes(0, event[0]!.toUpperCase()),
    inClothes(1, '2024-05-01T12:00:00+02:00'),
    inClothes(1, '2024-05-01 10:00:00.000000'),
    inClothes(4, '5.00'),
  ])
  const { counters } = await ingested([file])
  expect(counters).toEqual([{ loaded: 1, duplicate: 4, rejected: 0 }])
})

test('a file again under another name is all duplicates', async () => {
  const file = makeFile({ name: 'a.csv', seed: 21, rows: 300, badPercent: 0 })
  const again = { ...file, name: 'b.csv' }
  const { database, counters } = await ingested([file, again], 50)
  expect(await breaches({ database, files: [file, again] })).toEqual([])
  expect(counters).toEqual([
    { loaded: 300, duplicate: 0, rejected: 0 },
    { loaded: 0, duplicate: 300, rejected: 0 },
  ])
})

test('conflicts across files reject the later line, with its own bytes and place', async () => {
  const events = Array.from({ length: 30 }, () => anEvent(chance))
  const file = fileOf(
    'a.csv',
    events.map(event => ({ event })),
  )
  const later = fileOf(
    'b.csv',
    events.map((event, index) =>
      index % 3 === 0 ? conflict(event.with(6, `"b ""${index}"`)) : { event },
    ),
  )
  const { database, counters } = await ingested([file, later], 7)
  expect(await breaches({ database, files: [file, later] })).toEqual([])
  expect(counters[1]).toEqual({ loaded: 0, duplicate: 20, rejected: 10 })
})

/** What a user may have put on the table, and how the database then refuses some of the rows. */
const REFUSALS: [what: string, ddl: string, code: string][] = [
  [
    'a check constraint',
    `alter table user_activity add constraint house_rule check (session_id not like 'refuse%')`,
    '23514',
  ],
  ['a trigger that raises', onRefused(`raise exception 'not in this house'`), 'P0001'],
  [
    'a trigger that raises with a code of its own',
    onRefused(`raise exception 'not in this house' using errcode = 'HO001'`),
    'HO001',
  ],
  ['a trigger that drops the row without a word', onRefused('return null'), '23W01'],
  ['a trigger that divides by zero', onRefused('perform 1 / 0'), '22012'],
  [
    'a unique index of its own',
    `insert into user_activity values (gen_random_uuid(), now(), 'view', 1, 1, 1, 'taken', 0, 0);
     create unique index on user_activity ((case when session_id like 'refuse%' then 'taken'
                                                 when session_id = 'taken' then 'taken' end))`,
    '23505',
  ],
  [
    'a deferred constraint, which speaks at COMMIT',
    `${functionOnRefused(`raise exception 'too late' using errcode = '23000'`)};
     create constraint trigger house_rule after insert on user_activity
       deferrable initially deferred for each row execute function house_rule()`,
    '23000',
  ],
]

test.each(REFUSALS)('%s costs the refused rows and no other', async (_, ddl, code) => {
  const lines = Array.from({ length: 200 }, (_, index): GivenLine => {
    const event = anEvent(chance)
    if (![0, 1, 77, 150, 199].includes(index)) return { event }
    return { raw: event.with(6, `refuse ${index}`).join(','), reason: 'refused_by_database' }
  })
  // Rows that are duplicates and conflicts besides must keep their own verdicts.
  const twice = lines.slice(50, 60)
  const file = fileOf('a.csv', [...lines, ...twice])
  const { database, counters } = await ingested([file], 1_000, ddl)
  await database.query('delete from user_activity where file_id = 0')
  expect(await breaches({ database, files: [file] })).toEqual([])
  expect(counters).toEqual([{ loaded: 195, duplicate: 10, rejected: 5 }])
  const messages = await database.query('select error_message as text from user_activity_errors')
  for (const { text } of messages) expect(text).toContain(`[SQLSTATE ${code}]`)
})

test('a row that a trigger drops without a word is seen where nothing else is out of the way', async () => {
  const events = Array.from({ length: 20 }, () => anEvent(chance))
  const dropped = anEvent(chance).with(6, 'refuse').join(',')
  const lines = [
    ...events.map(event => ({ event })),
    { raw: dropped, reason: 'refused_by_database' },
  ]
  const file = fileOf('a.csv', lines)
  const { database } = await ingested([file], 1_000, onRefused('return null'))
  expect(await breaches({ database, files: [file] })).toEqual([])
})

test('a batch of which every row is refused ends, each row in quarantine', async () => {
  const lines = Array.from({ length: 100 }, (): GivenLine => {
    const raw = anEvent(chance).with(6, 'refuse').join(',')
    return { raw, reason: 'refused_by_database' }
  })
  const file = fileOf('a.csv', lines)
  const { database } = await ingested([file], 1_000, REFUSALS[0]![1])
  expect(await breaches({ database, files: [file] })).toEqual([])
})

async function ingested(
  files: MadeFile[],
  batchRows = 1_000,
  ddl = '',
): Promise<{ database: TestDatabase; counters: Record<string, unknown>[] }> {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  await database.query(ddl)
  await publish(files, folders)
  const ingestor = hands(database, folders)
  await ingestor.sweep()
  for (const batch of ingestor.batches(await ingestor.claim(), batchRows))
    await ingestor.commit(batch)
  const counters = await database.query(
    `select rows_loaded as loaded, rows_duplicate as duplicate, rows_rejected as rejected
       from ingest_files order by file_name`,
  )
  return { database, counters }
}

function conflict(event: readonly string[]): GivenLine {
  return { raw: event.join(','), reason: 'id_conflict' }
}

function opposite(eventType: string): string {
  return eventType === 'view' ? 'purchase' : 'view'
}

function functionOnRefused(then: string): string {
  return `create function house_rule() returns trigger language plpgsql as $$ begin
            if new.session_id like 'refuse%' then ${then}; end if;
            return new; end $$`
}

function onRefused(then: string): string {
  return `${functionOnRefused(then)};
    create trigger house_rule before insert on user_activity
      for each row execute function house_rule()`
}
