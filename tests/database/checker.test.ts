import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { breaches, breachesSeenBy, countersOff } from '../support/checker.ts'
import { freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'

/** Damage of each kind, and what the checker must say of it. */
const DAMAGE: [what: string, sql: string, said: RegExp][] = [
  [
    'a missing row',
    'delete from user_activity where ctid = (select min(ctid) from user_activity)',
    /^row .*: missing; 1 such/m,
  ],
  [
    'a row stored twice, the key being gone',
    `alter table user_activity drop constraint user_activity_pkey;
     insert into user_activity select * from user_activity limit 1`,
    /^row .*: stored 2 times/m,
  ],
  [
    'a row stored again under another id',
    `insert into user_activity select gen_random_uuid(), event_time, event_type, product_id, price,
       user_id, session_id, file_id, line_no from user_activity limit 1`,
    /^row .*: never written/m,
  ],
  [
    'a changed cent',
    anyRow('price = price + 0.01'),
    /^row .*: never written, or written otherwise/m,
  ],
  [
    'a changed microsecond',
    anyRow(`event_time = event_time + interval '1 microsecond'`),
    /^row .*: never written, or written otherwise/m,
  ],
  ['a row with the place of another', anyRow('line_no = 9999'), /^row .*: never written/m],
  [
    'an offset off by one',
    `alter table ingest_files drop constraint done_means_to_the_last_byte;
     update ingest_files set byte_offset = byte_offset - 1 where file_name = 'made_0000.csv'`,
    /^file made_0000.csv: byte_offset/m,
  ],
  [
    'a line that is not accounted for',
    `alter table ingest_files drop constraint every_line_is_accounted_for;
     update ingest_files set line_no = line_no - 1 where file_name = 'made_0000.csv'`,
    /^file made_0000.csv: lines/m,
  ],
  [
    'a counter that lies',
    `update ingest_files set rows_loaded = rows_loaded - 1, rows_duplicate = rows_duplicate + 1
      where file_name = 'made_0001.csv'`,
    /^counter made_0001.csv: rows_loaded/m,
  ],
  [
    'a reject with another reason',
    anyReject(`reason = 'lone_cr'`),
    /^reject .*: reason \w+ expected, lone_cr found/m,
  ],
  [
    'a reject with other bytes',
    anyReject(`raw_line = raw_line || 'x'`),
    /^reject .*: other bytes/m,
  ],
  ['a reject at another offset', anyReject('byte_offset = byte_offset + 1'), /^reject .*: offset/m],
  [
    'a reject that is gone',
    'delete from user_activity_errors where error_id = (select min(error_id) from user_activity_errors)',
    /^reject .*: missing/m,
  ],
  [
    'a good line among the rejects',
    `insert into user_activity_errors (file_id, line_no, byte_offset, reason, error_message, raw_line)
     select file_id, line_no, 0, 'lone_cr', '', '' from user_activity limit 1`,
    /^reject .*: a good line/m,
  ],
  [
    'a lease that is held',
    `update ingest_files set status = 'active', owner = 'someone', lease_until = now()
      where file_name = 'made_0002.csv'`,
    /^left behind: made_0002.csv is active, held by someone/m,
  ],
  [
    'a file ingested once more',
    `insert into ingest_files (file_name, generation, size_bytes, mtime_ns, inode)
     values ('made_0000.csv', 2, 0, 0, 0)`,
    /^file made_0000.csv \(generation 2\): registered, but never written/m,
  ],
]

test('the checker finds nothing where all is well, and each kind of damage', async () => {
  const database = await freshDatabase()
  const folders = await freshFolders()
  const files = makeFiles(3, { seed: 1, rows: 200, badPercent: 10, repeatPercent: 5 })
  const ingestor = startIngestor(database, folders)
  await publish(files, folders)
  await drained(database, files)
  await ingestor.stop()
  const checked = { database, folders, files }
  expect(await breaches(checked)).toEqual([])
  expect(await countersOff(database)).toEqual([])

  const tx = await database.pool.connect()
  for (const [what, sql, said] of DAMAGE) {
    await tx.query('begin')
    await tx.query(sql)
    expect((await breachesSeenBy(tx, checked)).join('\n'), what).toMatch(said)
    await tx.query('rollback')
  }
  tx.release()

  const [first, second] = files as [(typeof files)[0], (typeof files)[0]]
  await writeFile(join(folders.input, first.name), first.content)
  await rm(join(folders.archive, second.name))
  expect(await breaches(checked)).toEqual([
    `disk: ${first.name} is still in the input folder`,
    `disk: ${second.name} is not in the archive`,
  ])
})

function anyRow(change: string): string {
  return `update user_activity set ${change} where ctid = (select min(ctid) from user_activity)`
}

function anyReject(change: string): string {
  return `update user_activity_errors set ${change}
           where error_id = (select min(error_id) from user_activity_errors)`
}
