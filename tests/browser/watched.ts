import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { onTestFailed } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'

/** A page, and what went wrong on it: an error of a script, a breach of its policy, a request to elsewhere. */
export interface Watched {
  page: Page
  faults: string[]
}

/** Opens the page in a profile of its own; the test fails at its end if anything went wrong on it. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  atTestEnd(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`error: ${error.message}`))
  page.on('dialog', dialog => faults.push(`dialog: ${dialog.message()}`))
  page.on('console', message => {
    if (/Content Security Policy|TrustedHTML/.test(message.text())) faults.push(message.text())
  })
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`to ${request.url()}`)
  })
  tellIfFailed(page, faults)
  await page.goto(url)
  return { page, faults }
}

/** What happened between browser and server, and where it stood: said only where the test fails. */
function tellIfFailed(page: Page, faults: readonly string[]): void {
  const story: string[] = []
  const begunAt = performance.now()
  const tell = (words: string) => {
    story.push(`${Math.round(performance.now() - begunAt)} ms: ${words}`)
  }
  page.on('response', response => tell(`${response.status()} ${response.url()}`))
  page.on('requestfailed', request => tell(`${request.failure()?.errorText} ${request.url()}`))
  page.on('console', message => tell(`console: ${message.text()}`))
  page.on('crash', () => tell('the page crashed'))
  onTestFailed(() => console.log([...story.slice(-60), ...faults].join('\n')))
}
