import { describe, expect, test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { until } from '../support/until.ts'
import { CHROMIUM, launchChromium } from './chromium.ts'
import { startSystem } from './system.ts'
import { open } from './watched.ts'

const NAME = '<img src=x onerror=alert(1)>\'";.csv'
const CELL = '<script>document.title=1</script>'
const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'

describe.skipIf(!CHROMIUM)('what somebody else wrote', () => {
  test('is shown as text and nothing else: file names, cells, messages', async () => {
    const system = await startSystem()
    const row = `01890000-0000-7000-8000-000000000001,2026-01-01 00:00:00,${CELL},1,1.00,1,s`
    await system.folders.drop(NAME, `${HEADER}\n${row}\n`)
    await system.folders.drop('<b>bad.csv', '<iframe src=//evil.example></iframe>\n')
    // A name that turns what follows it around.
    await system.folders.drop('a\u202evsc.exe.csv', `${HEADER}\n`)
    await system.dashboard.until(
      'both',
      ({ seen }) => seen!.totals.filesFound === 3 && seen!.totals.rowsRejected === 1,
    )

    const browser = await launchChromium()
    atTestEnd(() => browser.close())
    const { page, faults } = await open(browser, system.dashboard.url)
    await page.locator('.name').getByText(NAME, { exact: true }).waitFor()
    await page.locator('.name').getByText('<b>bad.csv', { exact: true }).waitFor()
    await page.locator('.group summary').first().click()
    await page.locator('.samples .line', { hasText: CELL }).waitFor()
    await page.locator('.samples .place', { hasText: NAME }).waitFor()
    expect(await page.locator('main :is(script, img, iframe, b b)').count()).toBe(0)
    expect(await page.title()).toMatch(/hot-folder$/)
    expect(await page.locator('body').textContent()).not.toContain('\u202e')
    expect(faults).toEqual([])
  })

  test('would not run even if it got into the page', async () => {
    const system = await startSystem()
    const browser = await launchChromium()
    atTestEnd(() => browser.close())
    const { page, faults } = await open(browser, system.dashboard.url)
    await page.locator('#verdict').waitFor()
    await page.evaluate(`
      const image = document.createElement('img')
      image.src = 'https://evil.example/x.png'
      document.body.append(image)
      try { image.setAttribute('onerror', 'globalThis.owned = true') } catch {}
      try { document.body.innerHTML = '<iframe srcdoc="<script>parent.owned = true</script>">' } catch {}
    `)
    await until('word of it', () => faults.length > 0)
    expect(await page.evaluate('globalThis.owned')).toBeUndefined()
    expect(faults.join('\n')).toContain('Content Security Policy')
  })
})
