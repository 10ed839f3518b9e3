import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { idOf } from '../ingestor/lines.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import type { RunningService } from '../support/process.ts'
import { until } from '../support/until.ts'
import { boardQueries, DEPLOY, ruleQueries } from './board.ts'
import { installed, startPrometheus } from './prometheus.ts'

// Several processes a test: each takes seconds to start where the cores are busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const run = promisify(execFile)

const there = installed('promtool') && installed('prometheus')
if (!there) console.log('skipped: prometheus is not installed (Debian: apt-get install prometheus)')

let database: TestDatabase
let folders: Folders
let ingestor: RunningService
let port: unknown
const files = makeFiles(6, { seed: 900, rows: 200, badPercent: 10 })

beforeAll(async () => {
  database = await freshDatabase()
  folders = await freshFolders()
  ingestor = startIngestor(database, folders)
  port = (await ingestor.waitForLog('starting')).metricsPort
  await publish(files, folders)
  await drained(database, files)
})

const scraped = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
const sampleOf = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${series} `))
      ?.slice(series.length + 1),
  )

test('counters say what the tables say', async () => {
  const text = await scraped()
  const [rows] = await database.query<Record<string, number>>(
    `select sum(rows_loaded)::int as loaded, sum(rows_duplicate)::int as duplicate,
            sum(rows_rejected)::int as rejected, sum(byte_offset)::int as bytes from ingest_files`,
  )
  for (const outcome of ['loaded', 'duplicate', 'rejected'])
    expect(sampleOf(text, `ingest_rows_total{outcome="${outcome}"}`), outcome).toBe(rows![outcome])
  expect(sampleOf(text, 'ingest_bytes_total')).toBe(rows!.bytes)
  expect(sampleOf(text, 'ingest_files_total{status="done"}')).toBe(files.length)
  const reasons = await database.query<{ reason: string; n: number }>(
    'select reason, count(*)::int as n from user_activity_errors group by 1',
  )
  for (const { reason, n } of reasons)
    expect(sampleOf(text, `ingest_rejects_total{reason="${reason}"}`), reason).toBe(n)
  expect(sampleOf(text, 'ingest_file_to_commit_seconds_count')).toBe(files.length)
  for (const stage of ['judge', 'load', 'commit', 'archive'])
    expect(sampleOf(text, `ingest_stage_duration_seconds_count{stage="${stage}"}`)).toBeGreaterThan(
      0,
    )
  expect(
    Math.abs(sampleOf(text, 'ingest_last_commit_timestamp_seconds') - Date.now() / 1000),
  ).toBeLessThan(60)
  expect(sampleOf(text, 'ingest_database_up')).toBe(1)
  expect(sampleOf(text, 'ingest_pending_files')).toBe(0)
  expect(sampleOf(text, 'ingest_paused')).toBe(0)
})

test('retries are counted, and the backlog that a pause leaves is seen', async () => {
  await database.query(`select ingest_pause('a look at the metrics')`)
  await folders.drop(
    'waits.csv',
    `event_id,event_time,event_type,product_id,price,user_id,session_id\n${idOf(1)},2026-01-02 07:15:22,view,1,1,1,s\n`,
  )
  const text = await until('the backlog', async () => {
    const text = await scraped()
    return sampleOf(text, 'ingest_pending_files') === 1 && text
  })
  expect(sampleOf(text, 'ingest_paused')).toBe(1)
  expect(sampleOf(text, 'ingest_pending_bytes')).toBeGreaterThan(60)
  expect(sampleOf(text, 'ingest_oldest_pending_timestamp_seconds')).toBeGreaterThan(1.7e9)
  await database.query('alter table ingest_paused rename to elsewhere')
  await until('retries', async () => {
    return sampleOf(await scraped(), 'ingest_retries_total{what="claim"}') > 0
  })
  await database.query('alter table elsewhere rename to ingest_paused; select ingest_resume()')
  await until(
    'the file',
    async () => sampleOf(await scraped(), 'ingest_pending_files') === 0,
    20_000,
  )
})

test('a discrepancy is counted from the tables', async () => {
  const [other, its] = [await freshDatabase(), await freshFolders()]
  await other.query(
    `insert into user_activity values (gen_random_uuid(), now(), 'view', 1, 1, 1, 's', 77, 2)`,
  )
  const watcher = startIngestor(other, its)
  const { metricsPort } = await watcher.waitForLog('starting')
  await until('the discrepancy', async () => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    return sampleOf(text, 'ingest_discrepancies') === 1
  })
})

test('rules, tests of rules and dashboards ask for metrics that exist, and for all that are known', async () => {
  const exported = new Set(
    (await scraped()).split('\n').flatMap(line => /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? []),
  )
  exported.add('up')
  const asked = [...(await ruleQueries()), ...(await boardQueries())]
  expect(asked.length).toBeGreaterThan(20)
  const unknown = asked.flatMap(({ where, expr }) =>
    namesIn(expr)
      .filter(name => !exported.has(name))
      .map(name => `${where}: ${name}`),
  )
  expect(unknown).toEqual([])
})

describe.skipIf(!there)('with a real Prometheus', () => {
  test('promtool check metrics has nothing to say', async () => {
    const checking = run('promtool', ['check', 'metrics'])
    checking.child.stdin!.end(await scraped())
    expect(await checking).toEqual({ stdout: '', stderr: '' })
  })

  test('rules and configuration are valid, and alerts fire when they should', async () => {
    const at = (name: string) => join(DEPLOY, 'prometheus', name)
    expect((await run('promtool', ['check', 'rules', at('rules.yml')])).stdout).toContain('SUCCESS')
    await run('promtool', ['check', 'config', at('prometheus.yml')])
    expect((await run('promtool', ['test', 'rules', at('rules.test.yml')])).stdout).toContain(
      'SUCCESS',
    )
  })

  test('it scrapes an ingestor, and its rules work on what it has', async () => {
    const prometheus = await startPrometheus(folders.root, [Number(port)])
    const loaded = await database.value<number>('select sum(rows_loaded)::int from ingest_files')
    await until(
      'the rows, scraped',
      async () => (await prometheus.query('sum(ingest_rows_total{outcome="loaded"})')) === loaded,
      20_000,
    )
    expect(await prometheus.query('up{job="ingestor"}')).toBe(1)
    const groups = await until(
      'the rules, evaluated',
      async () => {
        const rules = await prometheus.rules()
        return rules.every(({ health }) => health !== 'unknown') && rules
      },
      20_000,
    )
    expect(groups.filter(({ health }) => health !== 'ok')).toEqual([])
    expect(groups.filter(({ state }) => state === 'firing')).toEqual([])
  }, 60_000)
})

/** What looks like the name of a metric: neither a function, nor a label, nor a value. */
function namesIn(expr: string): string[] {
  const bare = expr.replace(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\b(by|without) \([^)]*\)/g, '')
  return [...bare.matchAll(/\b([a-z][a-z_]*)\b(?!\s*\()/g)]
    .map(([, name]) => name!)
    .filter(name => !['and', 'or', 'unless', 'by', 'on'].includes(name))
}
