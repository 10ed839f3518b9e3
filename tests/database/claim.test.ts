import { expect, test } from 'vitest'
import type { Claim } from '../../services/ingestor/claim.ts'
import {
  evictFrozen,
  nextDueMs,
  releaseAll,
  releaseClaims,
  renewLeases,
  retryParked,
} from '../../services/ingestor/lease.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { type Hands, hands } from '../support/in-process.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

test('50: two ingestors that claim at once never hold the same file', async () => {
  const { one, other } = await offered(60)
  const claims = await Promise.all(
    Array.from({ length: 12 }, (_, turn) => (turn % 2 ? one : other).claim({ files: 5 })),
  )
  const held = claims.flat().map(({ fileId }) => fileId)
  expect(new Set(held).size).toBe(held.length)
  // Rows that another claim has locked at that instant are skipped, so a round may leave some.
  held.push(...(await one.claim()).map(({ fileId }) => fileId))
  expect(held.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
})

test('files are claimed in the order they are due, up to the bytes asked for', async () => {
  const { database, one } = await offered(6)
  await database.query(`update ingest_files set due_at = due_at - interval '1 h' where file_id = 5`)
  await database.query(`update ingest_files set due_at = now() + interval '1 h' where file_id = 2`)
  const size = await database.value<number>('select size_bytes from ingest_files where file_id = 5')
  expect(idsOf(await one.claim({ bytes: size + 1 }))).toEqual([5, 1])
  expect(idsOf(await one.claim({ files: 2 }))).toEqual([3, 4])
  expect(idsOf(await one.claim())).toEqual([6])
  expect(idsOf(await one.claim())).toEqual([])
})

test('a file that got nowhere is claimed alone, by the lane for suspects only', async () => {
  const { database, one, other } = await offered(4)
  await one.claim({ files: 2 })
  await expireLeases(database)
  expect(idsOf(await other.claim({ suspects: 'none' }))).toEqual([3, 4])
  expect(idsOf(await other.claim({ suspects: 'all' }))).toEqual([1])
  expect(idsOf(await other.claim({ suspects: 'all' }))).toEqual([2])
})

test('51: a file that ends its owner each time is parked after three claims, and others flow', async () => {
  const { database, one } = await offered(3)
  const rounds: number[][] = []
  for (let round = 0; round < 7; round++) {
    const claims = await one.claim()
    rounds.push(idsOf(claims))
    // File 1 is the poison: whoever has it dies before it commits anything.
    if (idsOf(claims).includes(1)) await expireLeases(database)
    else for (const batch of one.batches(claims)) await one.commit(batch)
  }
  expect(rounds.slice(1)).toEqual([[1], [2], [3], [1], [1], []])
  expect(
    await database.query('select status, attempts, message from ingest_files order by file_id'),
  ).toEqual([
    {
      status: 'parked',
      attempts: 3,
      message: expect.stringMatching(
        `^parked after 3 claims without progress, the last by ${one.owner}; tried again after 20.* UTC$`,
      ),
    },
    { status: 'done', attempts: 0, message: null },
    { status: 'done', attempts: 0, message: null },
  ])
})

test('a parked file is tried again, alone, after a rest that grows each time', async () => {
  const { database, one } = await offered(2)
  const leaseMs = 10_000
  const rests: number[] = []
  while (rests.length < 3) {
    const claims = await one.claim({ leaseMs, files: 1 })
    await expireLeases(database)
    const [parked] = await database.query<{ rest: number }>(
      `select round(extract(epoch from due_at - clock_timestamp()))::int as rest
         from ingest_files where status = 'parked'`,
    )
    expect(await retryParked(one.pool)).toEqual([])
    if (!parked) expect(idsOf(claims)).toEqual([1])
    else {
      rests.push(parked.rest)
      await database.query(`update ingest_files set due_at = '2020-01-01' where status = 'parked'`)
      expect(await retryParked(one.pool)).toEqual(['made_0000.csv'])
    }
  }
  expect(rests).toEqual([20, 80, 320])
  const claims = await one.claim()
  expect(idsOf(claims)).toEqual([1])
  for (const batch of one.batches(claims)) await one.commit(batch)
  expect(
    await database.query(`select status, attempts, message from ingest_files where file_id = 1`),
  ).toEqual([{ status: 'done', attempts: 0, message: null }])
})

test('a parked file whose name has newer content stays where it is', async () => {
  const { database, one } = await offered(1)
  await database.query(
    `update ingest_files set status = 'parked', attempts = 3, due_at = '2020-01-01';
     insert into ingest_files (file_name, generation, size_bytes, mtime_ns, inode)
       values ('made_0000.csv', 2, 1, 1, 1)`,
  )
  expect(await retryParked(one.pool)).toEqual([])
})

test('who has just started takes a file that was claimed alone before from nobody', async () => {
  const { database, one, other } = await offered(2)
  await one.claim({ files: 1 })
  await expireLeases(database)
  expect(idsOf(await other.claim({ suspects: 'new' }))).toEqual([1])
  await expireLeases(database)
  expect(idsOf(await one.claim({ suspects: 'new' }))).toEqual([2])
  expect(idsOf(await one.claim({ suspects: 'all' }))).toEqual([1])
})

test('owners that end for reasons of their own put no file under more suspicion than another', async () => {
  const { database, one } = await offered(5)
  await one.claim()
  const alone: number[] = []
  for (let kill = 0; kill < 15; kill++) {
    await expireLeases(database)
    alone.push(...idsOf(await one.claim()))
  }
  expect(alone).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
})

test('progress takes the suspicion from a file', async () => {
  const { database, one } = await offered(1)
  for (let crash = 0; crash < 5; crash++) {
    const [claim] = await one.claim()
    const [batch] = one.batches([claim!], 5)
    await one.commit(batch!)
    await expireLeases(database)
  }
  expect(await database.value('select status from ingest_files')).toBe('active')
  expect(await database.value('select attempts from ingest_files')).toBe(0)
})

test('a lease that has not run out keeps others away, one that has does not', async () => {
  const { database, one, other } = await offered(1)
  const [first] = await one.claim()
  expect(await other.claim()).toEqual([])
  await expireLeases(database)
  const [second] = await other.claim()
  expect(second!.epoch).toBe(first!.epoch + 1)
})

test('an owner that was held up beyond its lease does not take its files from itself', async () => {
  const { database, one, other } = await offered(2)
  const held = await one.claim()
  await expireLeases(database)
  expect(await one.claim({ held })).toEqual([])
  expect(idsOf(await other.claim())).toEqual([1])
})

test('a lease is renewed for claims that their owner knows of, and for no others', async () => {
  const { database, one, other } = await offered(3)
  const known = await one.claim({ files: 1 })
  // The answer to this claim never arrived.
  await one.claim({ files: 1 })
  await other.claim({ files: 1 })
  await expireLeases(database)
  await renewLeases(one.pool, known, 60_000)
  const renewed = await database.query('select file_id from ingest_files where lease_until > now()')
  expect(renewed).toEqual([{ file_id: 1 }])
})

test('a renewal does not bring back a claim that another has taken over', async () => {
  const { database, one, other } = await offered(1)
  const lost = await one.claim()
  await expireLeases(database)
  await other.claim()
  const until = await database.value('select lease_until from ingest_files')
  await renewLeases(one.pool, lost, 60_000)
  expect(await database.value('select lease_until from ingest_files')).toEqual(until)
})

test('what is released can be taken at once, without a suspicion', async () => {
  const { one, other } = await offered(3)
  const claims = await one.claim()
  await releaseClaims(one.pool, one.owner, claims.slice(0, 1))
  expect(idsOf(await other.claim({ suspects: 'none' }))).toEqual([1])
  expect(await releaseAll(one.pool, one.owner)).toBe(2)
  expect(idsOf(await other.claim({ suspects: 'none' }))).toEqual([2, 3])
})

test('a release of stale claims takes nothing from the new owner', async () => {
  const { database, one, other } = await offered(1)
  const stale = await one.claim()
  await expireLeases(database)
  await other.claim()
  await releaseClaims(one.pool, one.owner, stale)
  expect(await database.value('select owner from ingest_files')).toBe(other.owner)
})

test('the session of an owner whose lease ran out is ended; a live one and a stranger are left', async () => {
  const { database, one, other } = await offered(3)
  await one.claim({ files: 1 })
  const sessions = await Promise.all([open(one), open(other)])
  await other.claim({ files: 1 })
  const stranger = await database.pool.connect()
  atTestEnd(() => stranger.release())
  await stranger.query('begin')
  await database.query(
    `update ingest_files set lease_until = clock_timestamp() - interval '1 ms' where owner = $1`,
    [one.owner],
  )
  const third = hands(database, await freshFolders())
  // A transaction that began within the lease is not a frozen one yet.
  expect(await evictFrozen(third.pool, third.owner, 60_000)).toEqual([])
  const evicted = await until('an eviction', async () => {
    const gone = await evictFrozen(third.pool, third.owner, 1)
    return gone.length > 0 && gone
  })
  expect(evicted).toEqual([{ pid: sessions[0], owner: one.owner }])
  expect(await stranger.query('select 1')).toMatchObject({ rowCount: 1 })
})

test('the wait for work ends when a lease runs out or a file is due', async () => {
  const { database, one } = await offered(2)
  await one.claim({ leaseMs: 5_000 })
  expect(await nextDueMs(one.pool)).toBeGreaterThan(3_000)
  await database.query(
    `update ingest_files set status = 'pending', owner = null, lease_until = null,
            due_at = clock_timestamp() + interval '2 s' where file_id = 2`,
  )
  expect(await nextDueMs(one.pool)).toBeLessThan(2_001)
  await database.query(`delete from ingest_files`)
  expect(await nextDueMs(one.pool)).toBe(Number.POSITIVE_INFINITY)
})

async function offered(count: number) {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  await publish(makeFiles(count, { seed: 30, rows: 40 }), folders)
  const [one, other] = [hands(database, folders), hands(database, folders)]
  await one.sweep()
  await database.query(`update ingest_files set due_at = '2020-01-01'`)
  return { database, one, other }
}

function idsOf(claims: readonly Claim[]): number[] {
  return claims.map(({ fileId }) => fileId)
}

async function expireLeases(database: TestDatabase): Promise<void> {
  await database.query(
    `update ingest_files set lease_until = clock_timestamp() - interval '1 s' where status = 'active'`,
  )
}

/** A session of an ingestor with an open transaction. @returns its process id */
async function open(ingestor: Hands): Promise<number> {
  const client = await ingestor.pool.connect()
  atTestEnd(() => client.release(true))
  await client.query('begin')
  const { rows } = await client.query('select pg_backend_pid() as pid, count(*) from ingest_files')
  return rows[0].pid
}
