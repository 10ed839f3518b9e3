import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { HEADER } from '../../services/contract/dialect.ts'
import type { Status } from '../../services/dashboard/shape.ts'
import { until } from '../support/until.ts'
import { docker, lines } from './docker.ts'
import { serviceOf } from './inspection.ts'
import { newStack, type Stack } from './stack.ts'

const FIRST_ROWS_MS = 60_000

/** The tests go on from one another: one stack, from its first start to its second. */
describe.skipIf(!inject('engine'))('docker compose', () => {
  let stack: Stack

  beforeAll(async () => {
    stack = await newStack()
  })

  it('up --build -d starts every service in order of health, and rows arrive within a minute', async () => {
    const since = (Date.now() / 1000).toFixed(3)
    const startedMs = performance.now()
    await stack.compose('up', '--build', '-d')
    const upMs = performance.now()
    await until('the first rows', async () => (await stack.count()) > 0, FIRST_ROWS_MS)
    const firstRowsMs = performance.now()
    const first = await stack.count()
    await until('more rows', async () => (await stack.count()) > first, FIRST_ROWS_MS)
    console.log(
      `up --build took ${seconds(upMs - startedMs)}; first rows ${seconds(firstRowsMs - upMs)} later`,
    )
    expect(performance.now() - upMs).toBeLessThan(FIRST_ROWS_MS)

    await stack.healthy('ingestor')
    const happened = await history(stack, since)
    const inOrder = (...wanted: string[]) =>
      expect(happened.filter(event => wanted.includes(event))).toEqual(wanted)
    inOrder('postgres start', 'postgres healthy', 'migrate start', 'migrate exit 0')
    inOrder('migrate start', 'migrate exit 0', 'ingestor start', 'ingestor healthy')
    inOrder('prepare-secrets start', 'prepare-secrets exit 0', 'postgres start')
    inOrder('prepare-data start', 'prepare-data exit 0', 'ingestor start')
    inOrder('prepare-data start', 'prepare-data exit 0', 'generator start')

    await stack.healthy('dashboard')
    const states = (await stack.containers()).map(
      it => `${serviceOf(it)} ${it.State.Health?.Status ?? it.State.Status} ${it.State.ExitCode}`,
    )
    expect(states.sort()).toEqual([
      'dashboard healthy 0',
      'generator running 0',
      'ingestor healthy 0',
      'migrate exited 0',
      'postgres healthy 0',
      'prepare-data exited 0',
      'prepare-secrets exited 0',
    ])
  })

  it('run --rm generator --files 10 --rows 5000 adds exactly 50,000 rows', async () => {
    await stack.quiet()
    const before = await stack.count()
    await stack.compose('run', '--rm', 'generator', '--files', '10', '--rows', '5000')
    await until('50,000 more rows', async () => (await stack.count()) >= before + 50_000, 30_000)
    await stack.drained()
    expect(await stack.count()).toBe(before + 50_000)
    expect(await stack.query('select * from ingest_discrepancies')).toEqual([])
  })

  it('the page shows what the database holds', async () => {
    const url = `http://127.0.0.1:${stack.dashboardPort}`
    expect(await (await fetch(url)).text()).toContain('<title>hot-folder</title>')
    const rows = async () => {
      const { seen, setup } = (await (await fetch(`${url}/api/status`)).json()) as Status
      return setup.by === 'docker' && seen?.totals.rowsLoaded
    }
    await stack.quiet()
    const held = await stack.count()
    await until('the same number of rows', async () => (await rows()) === held)
  })

  it('the commands of the documentation answer', async () => {
    await stack.quiet()
    const sql = 'SELECT count(*) FROM user_activity;'
    const psql = ['psql', '-U', 'myuser', '-d', 'ecommerce_db', '-c', sql]
    const shown = await docker('exec', stack.database, ...psql)
    expect(shown).toMatch(new RegExp(`^\\s+${await stack.count()}$`, 'm'))
    expect(await stack.compose('run', '--rm', 'ingestor', '--help')).toContain('Usage: ingest')
    expect(await stack.compose('run', '--rm', 'generator', '--help')).toContain('Usage: generate')

    await stack.compose('stop', 'ingestor')
    await stack.compose('run', '--rm', 'generator', '--files', '2', '--rows', '100')
    const answer = await stack.compose('run', '--rm', 'ingestor', 'run', '--once', '--json')
    expect(JSON.parse(answer)).toMatchObject({ rows: { loaded: 200, rejected: 0 } })
  })

  it('a negative price and an unknown event are rejected with the reason, their neighbour loads', async () => {
    await stack.compose('up', '-d', 'ingestor')
    await stack.quiet()
    const before = await stack.count()
    await stack.drop(
      'bad_data.csv',
      [
        HEADER,
        '5f0c7d0e-0000-4000-8000-000000000001,2026-03-04 05:06:07,purchase,101,-50.0,7,s-1',
        '5f0c7d0e-0000-4000-8000-000000000002,2026-03-04 05:06:07,unknown_event,102,19.99,8,s-2',
        '5f0c7d0e-0000-4000-8000-000000000003,2026-03-04 05:06:07,view,103,29.99,9,s-3\n',
      ].join('\n'),
    )
    await stack.drained()
    expect(await stack.count()).toBe(before + 1)
    const rejects = await stack.query(
      `select line_no::integer, reason, error_message, convert_from(raw_line, 'UTF8') as raw
         from user_activity_errors order by line_no`,
    )
    expect(rejects).toMatchObject([
      { line_no: 2, reason: 'out_of_range', raw: expect.stringContaining(',-50.0,') },
      { line_no: 3, reason: 'unknown_event_type', raw: expect.stringContaining('unknown_event') },
    ])
    expect(rejects[0]!.error_message).toMatch(/^price: expected .*, found "-50\.0"$/)
    expect(rejects[1]!.error_message).toMatch(
      /^event_type: expected .*view.*purchase.*, found "unknown_event"$/,
    )
    expect(await readdir(join(stack.folder, 'data', 'archive'))).toContain('bad_data.csv')
  })

  it('the logs of a run hold no password', async () => {
    const logs = await stack.compose('logs', '--no-color')
    expect(logs).toContain('the schema is up to date')
    expect(logs).toContain('batch committed')
    expect(logs).not.toContain(stack.password)
  })

  it('a second up --build of the same code replaces no container', async () => {
    const ids = async () => (await stack.containers()).map(({ Id }) => Id).sort()
    const before = await ids()
    await stack.compose('up', '--build', '-d')
    expect(await ids()).toEqual(before)
  })

  it('down keeps the rows: they are there after the next up, and more arrive', async () => {
    const before = await stack.count()
    expect(before).toBeGreaterThan(50_000)
    await stack.compose('down')
    expect(await stack.containers()).toEqual([])
    await stack.compose('up', '-d')
    await stack.healthy('ingestor')
    expect(await stack.count()).toBeGreaterThanOrEqual(before)
    await until('more rows', async () => (await stack.count()) > before, FIRST_ROWS_MS)
    expect(await stack.query('select * from ingest_discrepancies')).toEqual([])
  })
})

/** What Docker says happened, in order: `<service> start`, `healthy` or `exit <code>`. */
async function history(stack: Stack, since: string): Promise<string[]> {
  const until = (Date.now() / 1000).toFixed(3)
  const mine = `label=com.docker.compose.project=${stack.project}`
  const events = lines(
    await docker(
      ...['events', '--since', since, '--until', until, '--format', '{{json .}}'],
      ...['--filter', 'type=container', '--filter', mine],
    ),
  ).map(line => JSON.parse(line))
  return events.flatMap(({ Action, Actor: { Attributes } }) => {
    const service = Attributes['com.docker.compose.service']
    if (Action === 'start') return [`${service} start`]
    if (Action === 'die') return [`${service} exit ${Attributes.exitCode}`]
    // Every probe of some engines says so; the first one counts.
    return Action === 'health_status: healthy' ? [`${service} healthy`] : []
  })
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
