import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readAssets } from './assets.ts'
import type { DashboardConfig } from './config.ts'
import { isOurs } from './hosts.ts'
import type { Observer } from './observer.ts'
import { Stream } from './stream.ts'

/** Nothing but what this server sends itself, and no script or style inside the page. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

export interface Dashboard {
  server: Server
  url: string
  close(): Promise<void>
}

/** @throws what listening throws: EADDRINUSE where the port is taken */
export async function serve(config: DashboardConfig, observer: Observer): Promise<Dashboard> {
  const assets = readAssets()
  const stream = new Stream(observer)
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/api/status': response => sendJson(response, 200, observer.status),
    '/api/stream': response => stream.open(response),
    '/livez': response => sendText(response, 200, 'ok\n'),
    '/readyz': response => sendReadiness(response, observer),
  }
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const path = pathOf(request)
    const isProbe = path === '/livez' || path === '/readyz'
    if (!isProbe && !isOurs(request.headers.host, config.allowedHosts)) {
      return sendText(response, 421, MISDIRECTED)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return sendText(response.setHeader('allow', 'GET, HEAD'), 405, 'this page only shows\n')
    }
    const asset = assets.get(path)
    if (answers[path]) answers[path](response)
    else if (asset) sendAsset(request, response, asset)
    else sendText(response, 404, 'not here\n')
  })
  server.listen(config.port, config.host)
  await once(server, 'listening').catch(error => {
    stream.close()
    throw error
  })
  return {
    server,
    url: urlOf(server, config.host),
    async close() {
      stream.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

const MISDIRECTED =
  'this page is not meant to be asked for under that name; DASHBOARD_ALLOWED_HOSTS can allow it\n'

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').replace(/[?#].*$/, '')
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

function sendReadiness(response: ServerResponse, observer: Observer): void {
  const { connection, seen } = observer.status
  const ready = connection.up && seen !== null
  sendJson(response, ready ? 200 : 503, { ready, fault: connection.fault })
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(value)}\n`)
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}

// Kept by the browser, and asked about each time: a page of one release and a script of another never meet.
function sendAsset(
  request: IncomingMessage,
  response: ServerResponse,
  { type, body, etag }: { type: string; body: Buffer; etag: string },
): void {
  const headers = { 'content-type': type, 'cache-control': 'no-cache', etag }
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end()
  else response.writeHead(200, headers).end(body)
}
