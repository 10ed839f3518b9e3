import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startDashboard } from '../support/dashboard.ts'
import { emptyDatabase, freshDatabase } from '../support/postgres.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

describe('the server', () => {
  test('answers under names of its own only, so that no other site can read it by rebinding', async () => {
    const { url } = await startDashboard(await freshDatabase(), {
      DASHBOARD_ALLOWED_HOSTS: 'page.example, other.example',
    })
    const { port } = new URL(url)
    for (const path of ['/', '/api/status', '/api/stream', '/page.ts']) {
      expect(await statusUnder('evil.example', path, url), path).toBe(421)
    }
    expect(await statusUnder(`localhost:${port}`, '/', url)).toBe(200)
    expect(await statusUnder('other.example', '/', url)).toBe(200)
    // A probe asks by address, and learns nothing.
    expect(await statusUnder('10.0.0.1', '/livez', url)).toBe(200)
  })

  test('sends a policy under which nothing but its own files can run, with every answer', async () => {
    const { url } = await startDashboard(await freshDatabase())
    for (const path of ['/', '/page.ts', '/api/status', '/nowhere']) {
      const { headers } = await fetch(`${url}${path}`)
      const policy = headers.get('content-security-policy')!
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("require-trusted-types-for 'script'")
      expect(policy).not.toMatch(/unsafe|http|\*|data:/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
    }
    const page = await (await fetch(url)).text()
    expect(page).not.toMatch(/<style|style=|<script>| on\w+=|https?:/)
  })

  test('serves files of the page and no others, and changes nothing', async () => {
    const { url } = await startDashboard(await freshDatabase())
    for (const path of ['/../main.ts', '/%2e%2e/main.ts', '/main.ts', '/tsconfig.json', '/api']) {
      expect((await fetch(`${url}${path}`)).status, path).toBe(404)
    }
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await fetch(`${url}/api/status`, { method })).status).toBe(405)
    }
    const first = await fetch(`${url}/page.ts`)
    expect(first.headers.get('content-type')).toContain('text/javascript')
    const headers = { 'if-none-match': first.headers.get('etag')! }
    expect((await fetch(`${url}/page.ts`, { headers })).status).toBe(304)
  })

  test('reads in sessions that cannot write, two of them however many tabs there are', async () => {
    const database = await freshDatabase()
    const { url } = await startDashboard(database)
    const closing = new AbortController()
    const tabs = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${url}/api/stream`, { signal: closing.signal })),
    )
    const heard = await Promise.all(tabs.map(tab => ticks(tab, 3)))
    closing.abort()
    expect(new Set(heard.flat().map(({ nowMs }) => Math.round(nowMs / 250))).size).toBeLessThan(10)
    const sessions = await database.query(
      `select application_name from pg_stat_activity where application_name like 'dashboard%'`,
    )
    expect(sessions.length).toBeLessThanOrEqual(2)
    const { connection } = await import('../../services/runtime/connection.ts')
    const { createPool } = await import('../../services/runtime/database.ts')
    const { createLogger } = await import('../../services/runtime/logger.ts')
    const pool = createPool(
      connection(database.env),
      { applicationName: 'test', maxConnections: 1, readOnly: true },
      createLogger('test', 'silent'),
    )
    await expect(pool.query('delete from user_activity')).rejects.toMatchObject({ code: '25006' })
    await pool.end()
  })

  test('tells a new tab all of the last 15 minutes, and then each second', async () => {
    const { url } = await startDashboard(await freshDatabase())
    const response = await fetch(`${url}/api/stream`)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const text = await firstText(response, 'event: tick')
    expect(text).toMatch(/^retry: \d+\nevent: all\ndata: \{/)
    await until('the history', async () => {
      const all = await firstText(await fetch(`${url}/api/stream`), '\n\n')
      return JSON.parse(/data: (.*)\n/.exec(all)![1]!).points.length > 800
    })
  })

  test('is alive but not ready without the schema, and says what is missing', async () => {
    const database = await emptyDatabase()
    const dashboard = await startDashboard(database)
    await dashboard.until('the fault', ({ verdict }) => verdict.head === 'Schema not ready')
    const ready = await fetch(`${dashboard.url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.text()).toContain('npm run migrate')
    expect((await fetch(`${dashboard.url}/livez`)).status).toBe(200)
    expect(await dashboard.service.stop()).toEqual({ code: 0, signal: null })
  })

  test('ends with one line each where a setting is wrong or its port is taken', async () => {
    const database = await freshDatabase()
    const { url } = await startDashboard(database)
    const again = (env: Record<string, string>) =>
      startService('services/dashboard/main.ts', { env: { ...database.env, ...env } })
    const taken = again({ DASHBOARD_PORT: new URL(url).port })
    expect((await taken.exit()).code).toBe(2)
    expect(taken.stderr()).toMatch(
      /^error: DASHBOARD_PORT: expected a free port, found \d+ in use/m,
    )
    const wrong = again({ DASHBOARD_PORT: 'x', DASHBOARD_ALLOWED_HOSTS: 'a b' })
    expect((await wrong.exit()).code).toBe(2)
    expect(wrong.stderr().match(/^error: /gm)).toHaveLength(2)
  })
})

function statusUnder(host: string, path: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}${path}`, { headers: { host } }, response => {
      response.destroy()
      resolve(response.statusCode!)
    })
      .on('error', reject)
      .end()
  })
}

/** What a stream says up to and with `end`. */
async function firstText(response: Response, end: string): Promise<string> {
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes(end)) break
  }
  return text
}

async function ticks(response: Response, wanted: number): Promise<{ nowMs: number }[]> {
  const heard: { nowMs: number }[] = []
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = /^event: tick\ndata: (.*)$/m.exec(event)?.[1]
      if (data) heard.push(JSON.parse(data).status)
    }
    if (heard.length >= wanted) break
  }
  return heard.slice(0, wanted)
}
