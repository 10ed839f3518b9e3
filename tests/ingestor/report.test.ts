import { describe, expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { makeFile, publish } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

describe('what an ingestor tells of itself', () => {
  test('comes to what the checkpoint says, with the time that each stage took', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const files = [1, 2, 3].map(seed =>
      makeFile({ name: `told_${seed}.csv`, seed, rows: 500, repeatPercent: 10 }),
    )
    await publish(files, folders)
    const ingestor = startIngestor(database, folders)
    await drained(database, files)
    await ingestor.stop()
    const [told] = await database.query(`
      select sum(rows_loaded)::int as loaded, sum(rows_duplicate)::int as duplicate,
             sum(rows_rejected)::int as rejected, sum(bytes)::int as bytes,
             sum(cardinality(latencies_ms))::int as files,
             every(read_ms >= 0 and judge_ms >= 0 and load_ms > 0 and commit_ms > 0) as timed
        from ingest_activity`)
    const [kept] = await database.query(`
      select sum(rows_loaded)::int as loaded, sum(rows_duplicate)::int as duplicate,
             sum(rows_rejected)::int as rejected, sum(byte_offset)::int as bytes,
             count(*)::int as files, true as timed
        from ingest_files`)
    expect(told).toEqual(kept)
    const [row] = await database.query(
      'select rows_in_flight, stopped_at is not null as stopped from ingestors',
    )
    expect(row).toEqual({ rows_in_flight: 0, stopped: true })
    const [file] = await database.query(
      `select every(claimed_by = (select owner from ingestors)) as known,
              every(loaded_at between started_at and finished_at) as timed from ingest_files`,
    )
    expect(file).toEqual({ known: true, timed: true })
  })

  test('names the files that it took from an owner who died', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const file = makeFile({ name: 'left.csv', seed: 4, rows: 50 })
    await publish([file], folders)
    const first = startIngestor(database, folders, { INGEST_FAILPOINT: 'after-begin' })
    expect((await first.exit()).signal).toBe('SIGKILL')
    const second = startIngestor(database, folders)
    await drained(database, [file])
    const takeovers = () => database.value('select sum(takeovers)::int from ingest_activity')
    expect(await until('word of the takeover', takeovers)).toBe(1)
    await second.stop()
  })
})
