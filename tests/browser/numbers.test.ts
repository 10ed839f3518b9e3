import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { duration } from '../../services/dashboard/public/words.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { makeFile } from '../support/made-file.ts'
import { until } from '../support/until.ts'
import { CHROMIUM, launchChromium } from './chromium.ts'
import { type System, startSystem } from './system.ts'
import { open } from './watched.ts'

describe.skipIf(!CHROMIUM)('the numbers of the page', () => {
  let browser: Browser
  let system: System

  beforeAll(async () => {
    browser = await launchChromium()
    atTestEnd(() => browser.close())
    system = await startSystem()
    await system.ingest(
      makeFile({ name: 'orders_1.csv', seed: 11, rows: 1_200, badPercent: 8, repeatPercent: 6 }),
      makeFile({ name: 'orders_2.csv', seed: 12, rows: 300, badPercent: 0 }),
    )
    await system.folders.drop('headless.csv', 'no,such,header\n1,2,3\n')
    await system.dashboard.until('the refused file', ({ seen }) => seen?.totals.filesRefused === 1)
  })

  test('flow, tiles and equation show what SQL says', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    const [sums] = await system.database.query<Record<string, number>>(
      `select rows_read, rows_loaded, rows_duplicate, rows_rejected, files_done, files_refused
         from ingest_status`,
    )
    const shown = (amount: number) => amount.toLocaleString('en-US')
    const station = (name: string) => page.locator(`[data-station=${name}] .amount`).textContent()
    await page.locator('[data-station=loaded]').waitFor()
    expect(await station('loaded')).toBe(shown(sums!.rows_loaded!))
    expect(await station('rejected')).toBe(shown(sums!.rows_rejected!))
    expect(await station('duplicate')).toBe(shown(sums!.rows_duplicate!))
    expect(await station('generated')).toBe(shown(sums!.rows_read!))
    expect([await station('waiting'), await station('work')]).toEqual(['0', '0'])
    expect(await page.locator('[data-station=loaded] .under').textContent()).toBe('2 files done')

    const terms = await page.locator('.equation .term b').allTextContents()
    expect(terms).toEqual(
      ['rows_read', 'rows_loaded', 'rows_duplicate', 'rows_rejected']
        .map(name => shown(sums![name]!))
        .concat('0'),
    )
    expect(await page.locator('#integrity').getAttribute('data-adds')).toBe('true')
    await page.getByText('every row was there').waitFor()

    const tiles = await page.locator('.tile .label').allTextContents()
    expect(tiles).toEqual([
      'Arriving',
      'Loading',
      'Freshness',
      'Backlog',
      'Reject share',
      'Last commit',
    ])
    const share = (100 * sums!.rows_rejected!) / sums!.rows_read!
    await expectText(page, '[data-tile=rejects] .under', `${share.toFixed(1)} % of all rows`)
    expect(faults).toEqual([])
  })

  test('the tiles tell how fresh data is, and how long ago the last commit was', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    await system.ingest(makeFile({ name: 'fresh.csv', seed: 14, rows: 40, badPercent: 0 }))
    const value = (name: string) => page.locator(`[data-tile=${name}] .value`).textContent()
    // Told once a second, so it may be told a moment after it is done.
    await until('the median of the last minute', async () => {
      const [p50] = await system.database.value<number[]>(
        `select percentile_cont(array[0.5]) within group (order by ms)
           from ingest_activity, unnest(latencies_ms) as ms where at > now() - interval '1 minute'`,
      )
      return (await value('fresh')) === duration(p50!)
    })
    const ageS = () =>
      system.database.value<number>(
        'select extract(epoch from clock_timestamp() - max(loaded_at))::float8 from ingest_files',
      )
    await until('an age of some seconds', async () => (await ageS()) > 3)
    await until('the same on the page', async () => {
      const shownS = /^([\d.]+) s$/.exec((await value('commit'))!)?.[1]
      return Math.abs((await ageS()) - Number(shownS)) < 2
    })
    expect(faults).toEqual([])
  })

  test('recent files are those of the checkpoint, with rows, rejects, offsets and who had them', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    await page.locator('.files tbody tr').nth(2).waitFor()
    const rows = await page.locator('.files tbody tr').evaluateAll(all =>
      all.map(row => ({
        name: row.querySelector('.name')!.textContent,
        status: row.getAttribute('data-status'),
        cells: [...row.querySelectorAll('td')].slice(0, 4).map(cell => cell.textContent),
      })),
    )
    const files = await system.database.query<Record<string, string | number>>(
      `select file_name, status, rows_loaded, rows_rejected, rows_duplicate, byte_offset, size_bytes,
              replace(coalesce(claimed_by, '–'), 'ingestor ', '') as who from ingest_files`,
    )
    const shown = (amount: unknown) => Number(amount).toLocaleString('en-US')
    const expected = files.map(file => ({
      name: file.file_name,
      status: file.status,
      cells: [
        Number(file.rows_duplicate) > 0
          ? `${shown(file.rows_loaded)} + ${shown(file.rows_duplicate)} duplicates`
          : shown(file.rows_loaded),
        shown(file.rows_rejected),
        file.byte_offset === file.size_bytes
          ? `0–${shown(file.byte_offset)}`
          : `0–${shown(file.byte_offset)} of ${file.size_bytes} B`,
        file.who,
      ],
    }))
    // Where the time went, to the unit that is shown: from one moment of the checkpoint to the next.
    const spans = await system.database.query<Record<string, number | string>>(
      `select file_name, ms(started_at - discovered_at) as waited, ms(loaded_at - started_at) as loaded,
              ms(finished_at - loaded_at) as watched, ms(archived_at - finished_at) as archived
         from (select file_name, t(discovered_at) as discovered_at, t(started_at) as started_at,
                      t(loaded_at) as loaded_at, t(finished_at) as finished_at, t(archived_at) as archived_at
                 from ingest_files where status = 'done') as f`
        // The page has moments to the millisecond.
        .replace(/\bt\(/g, "date_trunc('milliseconds', ")
        .replace(/\bms\(/g, '1000 * extract(epoch from '),
    )
    for (const { file_name, ...parts } of spans) {
      const row = page.locator('.files tbody tr', { hasText: String(file_name) })
      const words = Object.entries(parts).map(([name, ms]) => `${name} ${duration(Number(ms))}`)
      expect(await row.locator('.bar').getAttribute('aria-label')).toBe(words.join(', '))
    }
    const byName = (a: { name: unknown }, b: { name: unknown }) =>
      `${a.name}` < `${b.name}` ? -1 : 1
    expect(rows.sort(byName)).toEqual(expected.sort(byName))
    const bar = await page.locator('tr[data-status=done] .bar').first().getAttribute('aria-label')
    expect(bar).toMatch(/^waited .+, loaded .+, watched .+, archived .+$/)
    await page.getByText('header').first().waitFor()
    expect(faults).toEqual([])
  })

  test('rejects are grouped as SQL groups them, with lines and a command that exports just those', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    const groups = await system.database.query<{ reason: string; column: string; n: number }>(
      `select reason, coalesce(column_name, 'whole line') as column, count(*)::int as n
         from user_activity_errors group by 1, 2 order by 3 desc, 1, 2`,
    )
    await page.locator('.group').first().waitFor()
    const more = page.getByRole('button', { name: /^Show \d+ more$/ })
    if (await more.isVisible()) await more.click()
    const shown = await page.locator('.group summary').evaluateAll(all =>
      all.map(group => ({
        reason: group.querySelector('.reason')!.textContent!.replaceAll(' ', '_'),
        column: group.querySelector('.column')!.textContent,
        n: Number(group.querySelector('.figure')!.textContent),
      })),
    )
    const sorted = (list: { reason: string; column: string | null; n: number }[]) =>
      list.map(group => JSON.stringify([group.n, group.reason, group.column])).sort()
    expect(sorted(shown)).toEqual(sorted(groups))

    const first = page.locator('.group').first()
    await first.locator('summary').click()
    expect(await first.locator('.samples li').count()).toBeGreaterThan(0)
    const command = (await first.locator('.command code').textContent())!
    const select = /\\copy \((.*)\) to stdout/.exec(command)![1]!
    expect(await system.database.query(select)).toHaveLength(shown[0]!.n)
    expect(faults).toEqual([])
  })

  test('what is dropped shows up by itself, in the flow, the charts and the list', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    const loaded = () => page.locator('[data-station=loaded] .amount').textContent()
    await page.locator('.files tbody tr').first().waitFor()
    const before = await loaded()
    await system.ingest(makeFile({ name: 'while_open.csv', seed: 13, rows: 400, badPercent: 0 }))
    await page.locator('.name', { hasText: 'while_open.csv' }).waitFor()
    await until('another number', async () => (await loaded()) !== before)
    // Of the last ten seconds: 400 rows are 40 a second.
    for (const to of ['waiting', 'loaded'])
      await until(`its rate, ${to}`, async () => {
        const rate = await page.locator(`[data-to=${to}] .rate`).textContent()
        const rowsPerS = Number(/^([\d,.]+) rows\/s$/.exec(rate!)?.[1])
        return rowsPerS > 32 && rowsPerS < 48
      })
    await until('the verdict', async () =>
      (await page.locator('#verdict').textContent())!.includes('Keeping up'),
    )
    const label = page.locator('[data-chart=rates] .canvas')
    await page.getByText('1 min', { exact: true }).click()
    await until(
      'a rate that is not 0',
      async () =>
        /loaded (?!0\b|–)/.test((await chartValues(page))!) ||
        (await label.getAttribute('aria-label')) === null,
    )
    expect(faults).toEqual([])
  })

  test('a pause is told with its reason, and its end', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    await system.database.query(`select ingest_pause('<b>moving</b> the disk')`)
    await page.getByText('"<b>moving</b> the disk" says').first().waitFor()
    await system.database.query('select ingest_resume()')
    await until(
      'another verdict',
      async () => (await page.locator('#verdict-head').textContent()) !== 'Paused',
    )
    expect(faults).toEqual([])
  })

  test('a row that was taken away by hand turns the equation red', async () => {
    await system.database.query(
      'delete from user_activity where event_id = (select event_id from user_activity limit 1)',
    )
    const { startDashboard } = await import('../support/dashboard.ts')
    const dashboard = await startDashboard(system.database)
    const { page } = await open(browser, dashboard.url)
    await page.getByText('Numbers do not add up').first().waitFor()
    expect(await page.locator('#integrity').getAttribute('data-adds')).toBe('false')
    await page
      .locator('.differences', { hasText: /rows loaded: expected [\d,]+, found [\d,]+/ })
      .waitFor()
  })
})

async function expectText(page: Page, selector: string, text: string): Promise<void> {
  await until(
    `${selector}: ${text}`,
    async () => (await page.locator(selector).textContent()) === text,
  )
}

/** The newest values that the chart of rates was ever read out with, anywhere in its minute. */
async function chartValues(page: Page): Promise<string | null> {
  const canvas = page.locator('[data-chart=rates] .u-over')
  const box = (await canvas.boundingBox())!
  for (let x = box.width - 2; x > 0; x -= box.width / 60) {
    await canvas.hover({ position: { x, y: 20 } })
    const said = await page.locator('[data-chart=rates] .canvas').getAttribute('aria-label')
    if (/loaded (?!0\b|–)/.test(said ?? '')) return said
  }
  return ''
}
