import type { ServerResponse } from 'node:http'
import type { Observer } from './observer.ts'
import type { Tick } from './shape.ts'

const RETRY_MS = 1_000
/** Sent where nothing else was, so that a proxy, or a browser that sleeps, knows the line is alive. */
const HEARTBEAT_MS = 10_000
/** A tab that takes nothing for so long is cut off; it comes back by itself. */
const UNREAD_BYTES = 4 * 1024 * 1024
const MOST_TABS = 200

/** Server-sent events: what is known to each tab that comes, and then a tick a second, made once for all. */
export class Stream {
  readonly #observer: Observer
  readonly #tabs = new Set<ServerResponse>()
  readonly #heartbeat: NodeJS.Timeout
  readonly #deaf: () => void

  constructor(observer: Observer) {
    this.#observer = observer
    this.#deaf = observer.listen(tick => this.#send(event('tick', tick)))
    this.#heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT_MS)
  }

  open(response: ServerResponse): void {
    if (this.#tabs.size >= MOST_TABS) {
      response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '10' })
      response.end('too many tabs\n')
      return
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    // Of a stream without its body there is nothing to wait for.
    if (response.req.method === 'HEAD') {
      response.end()
      return
    }
    const all: Tick = { status: this.#observer.status, ...this.#observer.history }
    response.write(`retry: ${RETRY_MS}\n${event('all', all)}`)
    this.#tabs.add(response)
    response.on('close', () => this.#tabs.delete(response))
  }

  close(): void {
    this.#deaf()
    clearInterval(this.#heartbeat)
    for (const tab of this.#tabs) tab.end()
  }

  #send(text: string): void {
    for (const tab of this.#tabs) {
      if (tab.writableLength > UNREAD_BYTES) tab.destroy()
      else tab.write(text)
    }
  }
}

// JSON has no line break that is not escaped, so it is one line of the event.
function event(name: 'all' | 'tick', data: Tick): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
