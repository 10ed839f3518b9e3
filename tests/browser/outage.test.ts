import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { startPostgres } from '../../services/local/postgres.ts'
import { migrate } from '../../services/migrate/migrate.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { startDashboard } from '../support/dashboard.ts'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { makeFile, publish } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { CHROMIUM, launchChromium } from './chromium.ts'
import { open } from './watched.ts'

describe.skipIf(!CHROMIUM)('an outage', () => {
  test('of the dashboard’s server: the page says so, keeps its numbers, and goes on by itself', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    startIngestor(database, folders)
    const file = makeFile({ name: 'kept.csv', seed: 21, rows: 250, badPercent: 0 })
    await publish([file], folders)
    const first = await startDashboard(database)
    await first.until('the rows', ({ seen }) => seen?.totals.rowsLoaded === 250)
    const browser = await launchChromium()
    atTestEnd(() => browser.close())
    const { page, faults } = await open(browser, first.url)
    await loaded(page, '250')
    await first.service.stop()
    await verdict(page, 'Dashboard not reachable')
    expect(await page.locator('#numbers').getAttribute('data-stale')).not.toBeNull()
    await loaded(page, '250')

    await publish([makeFile({ name: 'meanwhile.csv', seed: 22, rows: 50, badPercent: 0 })], folders)
    await startDashboard(database, { DASHBOARD_PORT: new URL(first.url).port })
    await loaded(page, '300')
    await until('live', async () => (await page.locator('#line').textContent()) === 'live')
    expect(await page.locator('#numbers').getAttribute('data-stale')).toBeNull()
    // What happened while nobody looked is in the charts all the same.
    await page.getByRole('button', { name: 'Arriving and loading as a table' }).click()
    await page.locator('#table-rates tbody tr').nth(14).waitFor()
    expect(faults).toEqual([])
  })

  test.each(['tiles.ts', 'lists.css'])(
    'of the network while the page loads: without %s it does not stay dead',
    async part => {
      const dashboard = await startDashboard(await freshDatabase())
      const browser = await launchChromium()
      atTestEnd(() => browser.close())
      const page = await browser.newPage()
      let asked = 0
      await page.route(`**/${part}`, route => {
        return asked++ === 0 ? route.abort('internetdisconnected') : route.continue()
      })
      await page.goto(dashboard.url)
      await until('another try', () => asked === 2)
      await page.getByText('waiting for the first file').first().waitFor()
    },
  )

  test('of the database: the page says so, counts down, keeps its numbers, and goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hot-folder-postgres-browser-'))
    atTestEnd(() => rm(folder, { recursive: true, force: true }))
    const options = {
      ...{ folder, user: 'tester', prefer: 'system' as const, say: () => {} },
      settings: { fsync: 'off' },
    }
    const server = await startPostgres({ ...options, port: 0 })
    const url = `postgres://tester:${server.password}@${server.host}:${server.port}/postgres`
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    pool.on('error', () => undefined)
    await migrate(pool as never)
    await pool.query(
      `insert into ingest_files (file_name, size_bytes, byte_offset, mtime_ns, inode, line_no,
                                 rows_read, rows_loaded, status, finished_at)
       values ('old.csv', 10, 10, 0, 0, 78, 77, 77, 'done', now())`,
    )
    await pool.end()
    const dashboard = await startDashboard({ env: { DATABASE_URL: url } })
    const browser = await launchChromium()
    atTestEnd(() => browser.close())
    const { page, faults } = await open(browser, dashboard.url)
    await loaded(page, '77')
    await server.stop()
    await verdict(page, 'Database unreachable')
    await page
      .getByText(/retrying in \d s; nothing lost/)
      .first()
      .waitFor()
    await page.getByText(/What you see below is .+ old/).waitFor()
    expect(await page.locator('#numbers').getAttribute('data-stale')).not.toBeNull()
    await loaded(page, '77')
    expect((await fetch(`${dashboard.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${dashboard.url}/livez`)).status).toBe(200)

    const again = await startPostgres({ ...options, port: server.port })
    atTestEnd(() => again.stop())
    await until('another verdict', async () => !(await words(page)).includes('unreachable'))
    expect(await page.locator('#numbers').getAttribute('data-stale')).toBeNull()
    await page.locator('#markers', { hasText: 'database away' }).waitFor()
    expect(faults).toEqual([])
  })
})

async function words(page: Page): Promise<string> {
  return (await page.locator('#verdict').textContent()) ?? ''
}

async function verdict(page: Page, text: string): Promise<void> {
  await until(text, async () => (await words(page)).includes(text), 20_000)
}

async function loaded(page: Page, amount: string): Promise<void> {
  const shown = page.locator('[data-station=loaded] .amount')
  await until(`${amount} rows`, async () => (await shown.textContent()) === amount, 20_000)
}
