import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { startDashboard } from '../support/dashboard.ts'
import { makeFile } from '../support/made-file.ts'
import { freshDatabase } from '../support/postgres.ts'
import { CHROMIUM, launchChromium } from './chromium.ts'
import { type System, startSystem } from './system.ts'
import { open } from './watched.ts'

describe.skipIf(!CHROMIUM)('a page for everyone', () => {
  let browser: Browser
  let system: System

  beforeAll(async () => {
    browser = await launchChromium()
    atTestEnd(() => browser.close())
    system = await startSystem()
    const name = `${'a_very_long_name_'.repeat(9)}.csv`
    await system.ingest(makeFile({ name, seed: 31, rows: 900, badPercent: 20 }))
    await system.folders.drop(`${'x'.repeat(180)}.csv`, 'no,header\n')
    await system.dashboard.until('the refused', ({ seen }) => seen!.totals.filesRefused === 1)
  })

  test.each([320, 390, 768, 1280])(
    'fits a screen %i wide without scrolling sideways',
    async width => {
      const { page, faults } = await open(browser, system.dashboard.url, {
        viewport: { width, height: 800 },
      })
      await page.locator('.group').first().waitFor()
      for (const group of await page.locator('.group summary').all()) await group.click()
      for (const toggle of await page.getByRole('button', { name: /as a table$/ }).all())
        await toggle.click()
      const reach = 'document.documentElement.scrollWidth'
      expect(await page.evaluate(reach)).toBeLessThanOrEqual(width)
      expect(faults).toEqual([])
    },
  )

  test('goes with the system’s light or dark, and with what was chosen, for good', async () => {
    const background = (page: Page) =>
      page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const light = await open(browser, system.dashboard.url, { colorScheme: 'light' })
    const dark = await open(browser, system.dashboard.url, { colorScheme: 'dark' })
    const [day, night] = [await background(light.page), await background(dark.page)]
    expect(day).not.toBe(night)
    await dark.page.getByText('Light', { exact: true }).click()
    expect(await background(dark.page)).toBe(day)
    await dark.page.reload()
    expect(await background(dark.page)).toBe(day)
    await dark.page.getByText('Auto', { exact: true }).click()
    expect(await background(dark.page)).toBe(night)
    expect([...light.faults, ...dark.faults]).toEqual([])
  })

  test('can be used by the keyboard alone', async () => {
    const { page, faults } = await open(browser, system.dashboard.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.locator('.group').first().waitFor()
    const focused = () =>
      page.evaluate<string>(
        '(document.activeElement.ariaLabel ?? document.activeElement.id ?? "") || document.activeElement.textContent',
      )
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the page')
    const stops: string[] = []
    for (let n = 0; n < 80 && !stops.at(-1)?.startsWith('Copy: npm'); n++) {
      await page.keyboard.press('Tab')
      stops.push(await focused())
      if (stops.at(-1) === 'Time per stage as a table') await page.keyboard.press('Enter')
    }
    for (const wanted of [
      'Arriving and loading as a table',
      'Table of recent files',
      'From file to commit as a table',
    ]) {
      expect(stops).toContain(wanted)
    }
    await page.locator('#table-stages').waitFor({ state: 'visible' })
    await page.keyboard.press('Enter')
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(`Copy: ${copied}`).toBe(stops.at(-1))
    expect(faults).toEqual([])
  })

  test('has its sentence read out, and every chart as a table of the same numbers', async () => {
    const { page, faults } = await open(browser, system.dashboard.url)
    const status = page.getByRole('status')
    await page.locator('.group').first().waitFor()
    expect(await status.getAttribute('aria-live')).toBe('polite')
    expect(await status.textContent()).toContain(await page.locator('#verdict-head').textContent())
    for (const chart of await page.locator('.chart').all()) {
      const toggle = chart.getByRole('button')
      await toggle.click()
      const head = await chart.locator('th[scope=col]').allTextContents()
      const legend = await chart.locator('.legend li').allTextContents()
      expect(head.slice(1)).toEqual(legend.map(text => text.split(' ')[0]))
      expect(await chart.locator('tbody tr').count()).toBe(15)
      await toggle.click()
      await chart.getByRole('img').waitFor({ state: 'visible' })
    }
    expect(faults).toEqual([])
  })

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'meets WCAG 2.2 AA in %s, %i wide, with all of it open',
    async (colorScheme, width) => {
      const { page, faults } = await open(browser, system.dashboard.url, {
        ...{ colorScheme, viewport: { width, height: 900 } },
      })
      await page.locator('.group').first().waitFor()
      for (const group of await page.locator('.group summary').all()) await group.click()
      await page.getByRole('button', { name: 'Time per stage as a table' }).click()
      expect(await breaches(page)).toEqual([])
      // As it is while the database is away.
      await page.evaluate(`
      document.getElementById('numbers').dataset.stale = ''
      document.getElementById('notice').hidden = false
      document.getElementById('notice').textContent = 'What you see below is 3 s old.'
      document.getElementById('verdict').dataset.mood = 'bad'
    `)
      expect(await breaches(page)).toEqual([])
      expect(faults).toEqual([])
    },
  )

  test('moves nothing for whoever asked for that', async () => {
    const moving = (page: Page) => page.evaluate<number>('document.getAnimations().length')
    const still = await open(browser, system.dashboard.url, { reducedMotion: 'reduce' })
    await still.page.locator('.line[data-state=live]').waitFor()
    expect(await moving(still.page)).toBe(0)
    const lively = await open(browser, system.dashboard.url, { reducedMotion: 'no-preference' })
    await lively.page.locator('.line[data-state=live]').waitFor()
    expect(await moving(lively.page)).toBeGreaterThan(0)
  })

  test('greets an empty database with what to do', async () => {
    const dashboard = await startDashboard(await freshDatabase())
    const { page, faults } = await open(browser, dashboard.url)
    await page.getByText('waiting for the first file').first().waitFor()
    await page.getByText('No file yet. The commands below make some.').waitFor()
    await page.getByText('None: every line was what it should be.').waitFor()
    await page.getByText('npm run generate -- --files 10 --rows 5000').waitFor()
    await page.getByText('Docker', { exact: true }).click()
    await page.getByText('docker compose run --rm generator --files 10 --rows 5000').waitFor()
    expect(await page.locator('#integrity').getAttribute('data-adds')).toBe('true')
    expect(faults).toEqual([])
  })

  test('says that nobody is at work, and marks the place', async () => {
    const database = await freshDatabase()
    await database.query(
      `insert into ingest_files (file_name, size_bytes, mtime_ns, inode)
       select n || '.csv', 5000, 0, n from generate_series(1, 12) n`,
    )
    const dashboard = await startDashboard(database)
    const { page } = await open(browser, dashboard.url)
    await page.getByText('no ingestor is running, 12 files waiting').first().waitFor()
    const marked = page.locator('[data-bottleneck]')
    expect(await marked.getAttribute('data-station')).toBe('waiting')
    expect(await marked.textContent()).toContain('Bottleneck: no ingestor takes files')
  })
})

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What axe has against the page, and where. */
async function breaches(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate<string[]>(`
    axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) =>
        id + ': ' + html.slice(0, 160) + ' ' + (any[0]?.message ?? ''))))
  `)
}
