import pg from 'pg'
import { expect, test } from 'vitest'
import { lookAtIngestors } from '../../services/dashboard/ingestors.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { freshDatabase } from '../support/postgres.ts'

test('rows that an ingestor last told of are in flight only while it has a file', async () => {
  const database = await freshDatabase()
  const client = new pg.Client(database.url)
  await client.connect()
  atTestEnd(() => client.end())
  const inFlight = async () => Number((await lookAtIngestors(client, Date.now())).rowsInFlight)

  await client.query(`insert into ingestors (owner, rows_in_flight) values ('ingestor a', 1200)`)
  await client.query(
    `insert into ingest_files (file_name, size_bytes, mtime_ns, inode, status, owner, lease_until)
     values ('a.csv', 10, 0, 1, 'active', 'ingestor a', now() + interval '1 minute')`,
  )
  expect(await inFlight()).toBe(1200)
  await client.query(`update ingest_files set status = 'pending', owner = null, lease_until = null`)
  expect(await inFlight()).toBe(0)
})
