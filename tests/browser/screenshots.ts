import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { Status } from '../../services/dashboard/shape.ts'
import { startPostgres } from '../../services/local/postgres.ts'
import { migrate } from '../../services/migrate/migrate.ts'
import { connection } from '../../services/runtime/connection.ts'
import { createPool } from '../../services/runtime/database.ts'
import { createLogger } from '../../services/runtime/logger.ts'
import { until } from '../support/until.ts'
import { launchChromium } from './chromium.ts'

// `npm run screenshots`: the pictures of the README, of a real run that begins empty, has about two
// minutes of steady work, a flood and an outage. Numbers differ from run to run; the states do not.

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PRELOAD = new URL('../../services/local/end-with-parent.ts', import.meta.url).href
const IMAGES = join(ROOT, 'docs', 'images')
const STEADY_MS = 75_000

const folder = await mkdtemp(join(tmpdir(), 'hot-folder-pictures-'))
const server = await startPostgres({
  ...{ folder: join(folder, 'postgres'), user: 'myuser', port: 0, prefer: 'system' },
})
const url = `postgres://${server.user}:${server.password}@${server.host}:${server.port}/postgres`
const env = { ...process.env, DATABASE_URL: url, DATA_DIR: folder, METRICS_PORT: '0' }
const browser = await launchChromium()

try {
  await mkdir(IMAGES, { recursive: true })
  const pool = createPool(
    connection({ DATABASE_URL: url }),
    { applicationName: 'pictures', maxConnections: 1 },
    createLogger('pictures', 'silent'),
  )
  await migrate(pool)
  await pool.end()
  for (const name of ['temp', 'input', 'archive', 'refused']) {
    await mkdir(join(folder, name), { recursive: true })
  }
  const dashboard = await start('dashboard', ['--port', '0'])
  const page = dashboard.said.url as string
  const ingestor = await start('ingestor', ['run'])
  await picture('empty', page, { height: 820 })

  const steady = [
    '--rate',
    '400',
    '--rows',
    '60-180',
    '--bad-rate',
    '0.02',
    '--duplicate-rate',
    '0.01',
  ]
  const generator = await start('generator', steady)
  await sleep(STEADY_MS)
  await start('generator', ['--files', '6', '--rows', '1000'])
  await sleep(STEADY_MS / 3)
  await picture('light', page, { height: 1330 })
  await picture('dark', page, { height: 1330, colorScheme: 'dark' })
  await picture('phone', page, { width: 390, height: 844 })
  generator.child.kill('SIGTERM')
  await shows(page, ({ verdict }) => verdict.head === 'Idle')
  await picture('idle', page, { fullPage: true })

  ingestor.child.kill('SIGTERM')
  await ended(ingestor.child)
  await ended((await start('generator', ['--files', '150', '--rows', '10000'])).child)
  await start('ingestor', ['run'])
  await shows(page, ({ verdict, seen }) => verdict.mood === 'busy' && seen!.rates.rowsLoaded > 0)
  await picture('busy', page)

  await server.stop('immediate')
  await shows(page, ({ connection }) => !connection.up)
  await picture('down', page)
} finally {
  await browser.close()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit()

interface Look {
  width?: number
  height?: number
  colorScheme?: 'light' | 'dark'
  fullPage?: boolean
}

async function picture(name: string, url: string, look: Look = {}): Promise<void> {
  const { width = 1280, height = 900, colorScheme = 'light', fullPage = false } = look
  const context = await browser.newContext({
    ...{ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' },
  })
  const page = await context.newPage()
  await page.addInitScript("localStorage.setItem('span', '300')")
  await page.goto(url)
  await drawn(page)
  await page.screenshot({ path: join(IMAGES, `dashboard-${name}.png`), fullPage })
  console.log(`docs/images/dashboard-${name}.png: ${await page.locator('h1').textContent()}`)
  await context.close()
}

async function drawn(page: Page): Promise<void> {
  await page.locator('.u-over').nth(2).waitFor()
  await page.evaluate('document.fonts.ready')
  // The next tick has gone through all of it once more.
  await page.waitForFunction(
    'document.querySelector("[data-station=loaded] .amount").textContent !== ""',
  )
}

async function shows(url: string, condition: (status: Status) => unknown): Promise<void> {
  const seen = async () => {
    const status = (await (await fetch(`${url}/api/status`)).json()) as Status
    return condition(status) ? true : null
  }
  await until('what the picture is to show', seen, STEADY_MS)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** A service as a process of its own that ends with this one. @returns the first line of its log */
async function start(name: string, args: string[]) {
  const entry = join(ROOT, 'services', name, 'main.ts')
  const child = spawn(process.execPath, ['--import', PRELOAD, entry, ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const [line] = await once(createInterface(child.stderr!), 'line')
  child.stderr!.resume()
  return { child, said: JSON.parse(line.startsWith('{') ? line : '{}') }
}
