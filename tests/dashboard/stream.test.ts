import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Observer } from '../../services/dashboard/observer.ts'
import type { Tick } from '../../services/dashboard/shape.ts'
import { Stream } from '../../services/dashboard/stream.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { startDashboard } from '../support/dashboard.ts'
import { freshDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const MOST_TABS = 200
const MB = 1024 * 1024

test('a tab that reads nothing is cut off before it costs much; the others hear every tick', async () => {
  const { port, tick, left } = await streaming()
  const deaf = await tab(port)
  deaf.pause().on('error', () => {})
  const listening = await tab(port)
  let heard = ''
  listening.setEncoding('latin1').on('data', text => {
    heard += text
  })
  await until('both', () => left() === 2 && heard.includes('event: all'))
  heard = ''
  // The kernel takes some of it, on both sides; beyond that it waits in the server's memory.
  let ticks = 0
  while (left() === 2) {
    expect(++ticks).toBeLessThan(40)
    tick(MB)
    await until('the tick', () => heard.length >= ticks * MB)
  }
  expect(ticks).toBeGreaterThan(4)
  expect(left()).toBe(1)
  expect(listening.destroyed).toBe(false)
})

test('so many tabs and no more; one that is closed makes room', async () => {
  const { url } = await startDashboard(await freshDatabase())
  const { port } = new URL(url)
  const tabs: Socket[] = []
  const heard: string[] = []
  for (let n = 0; n < MOST_TABS; n++) {
    const each = await tab(Number(port))
    tabs.push(each)
    heard.push('')
    each.setEncoding('utf8').on('data', text => {
      heard[n] = `${heard[n]}${text}`
    })
  }
  await until('all of them open', () => heard.every(text => text.includes('event: all')))
  const refused = await fetch(`${url}/api/stream`)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
  expect((await fetch(`${url}/api/status`)).status).toBe(200)
  // Each of them is told each second.
  await until('a tick of each', () => heard.every(text => text.includes('event: tick')))
  tabs[0]!.destroy()
  await until('room for another', async () => {
    const closing = new AbortController()
    const { status } = await fetch(`${url}/api/stream`, { signal: closing.signal })
    closing.abort()
    return status === 200
  })
})

test('a request that asks for no body takes no tab and is not kept waiting', async () => {
  const { url } = await startDashboard(await freshDatabase())
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  atTestEnd(async () => void socket.destroy())
  let heard = ''
  socket.setEncoding('latin1').on('data', text => {
    heard += text
  })
  // Over one connection, which is free for the next question only when the one before is answered.
  const paths = ['/', '/page.ts', '/api/stream', '/api/status', '/livez']
  for (const [n, path] of paths.entries()) {
    socket.write(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await until(path, () => heard.match(/HTTP\/1.1 200 OK\r\n/g)?.length === n + 1)
  }
  expect(heard).not.toContain('event:')
})

/** A stream over a real socket, whose ticks are as large as the test wants them. */
async function streaming() {
  let tell: (tick: Tick) => void = () => {}
  const observer = {
    status: {},
    history: { points: [], markers: [] },
    listen(listener: (tick: Tick) => void) {
      tell = listener
      return () => {}
    },
  }
  const stream = new Stream(observer as unknown as Observer)
  let left = 0
  const server = createServer((_, response) => {
    left++
    response.on('close', () => left--)
    stream.open(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atTestEnd(async () => {
    stream.close()
    server.closeAllConnections()
    server.close()
  })
  const tick = (bytes: number) => tell({ status: 'x'.repeat(bytes) } as never)
  return { port: (server.address() as AddressInfo).port, tick, left: () => left }
}

async function tab(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  atTestEnd(async () => void socket.destroy())
  await once(socket, 'connect')
  socket.write('GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return socket
}
