import { once } from 'node:events'
import { createServer, type Socket, connect as tcpConnect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { atTestEnd } from './cleanup.ts'
import type { TestDatabase } from './postgres.ts'

/** What becomes of a statement on its way, for those that `when` picks. */
export type Mischief =
  /** The server does it; its answer is lost, and the connection with it. */
  | { kind: 'lose the answer' }
  /** The server does it; nothing comes back, and the connection stays. */
  | { kind: 'keep the answer' }
  /** The server never sees it; the connection is lost. */
  | { kind: 'drop' }
  /** The client loses the connection now; the server sees the statement so much later. */
  | { kind: 'deliver late'; ms: number }
  /** Both ways fall silent, and neither end is told. */
  | { kind: 'black hole' }
  /** The connection is reset in the middle of the statement. */
  | { kind: 'reset' }
  /** The statement, and all that comes after it, waits until then. */
  | { kind: 'hold'; until: Promise<unknown> }

export interface Proxy {
  readonly url: string
  /** What a service's process needs to go through it. */
  readonly env: Record<string, string>
  /** How often mischief was done. */
  readonly done: number
  /**
   * Asked for each message of each client: its SQL text, or `copy data`, `copy done`; its bytes; and
   * the how-manieth connection it comes by.
   */
  mischief: (statement: string, frame: Buffer, connection: number) => Mischief | null
  /** Delays every chunk, both ways. */
  delayMs: number
  /** Connections, past and present. */
  readonly connections: number
  /** Cuts all connections. */
  cut(): void
}

/**
 * Stands between a client and PostgreSQL. Understands the frames of the client's side of the protocol
 * (type byte, length, body; PostgreSQL documentation, "Message Formats"), and no more.
 */
export async function startProxy(database: TestDatabase): Promise<Proxy> {
  const target = new URL(database.url)
  const pairs = new Set<() => void>()
  let connections = 0
  const proxy = {
    done: 0,
    delayMs: 0,
    mischief: (() => null) as Proxy['mischief'],
    cut: () => {
      for (const cut of pairs) cut()
    },
    get connections() {
      return connections
    },
  }
  const server = createServer(client => {
    const connection = ++connections
    const upstream = tcpConnect(Number(target.port), target.hostname)
    const cut = () => {
      client.resetAndDestroy()
      upstream.destroy()
      pairs.delete(cut)
    }
    pairs.add(cut)
    between(client, upstream, proxy, connection, cut, () => pairs.delete(cut))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atTestEnd(() => {
    proxy.cut()
    server.close()
  })
  const port = String((server.address() as { port: number }).port)
  const url = new URL(database.url)
  url.host = `127.0.0.1:${port}`
  const env = { ...database.env, POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: port }
  return Object.assign(proxy, { url: url.href, env })
}

function between(
  client: Socket,
  upstream: Socket,
  proxy: { done: number; delayMs: number; mischief: Proxy['mischief'] },
  connection: number,
  cut: () => void,
  forgotten: () => void,
): void {
  let silent = false
  let answersLost = false
  // What is delayed is overtaken by nothing that comes later, be that delayed or not.
  const late = new Map<Socket, Promise<unknown>>()
  const send = (to: Socket, bytes: Buffer) => {
    const write = () => {
      if (!silent && !to.destroyed) to.write(bytes)
    }
    const before = late.get(to)
    if (!before && proxy.delayMs === 0) return write()
    const written = Promise.all([before, sleep(proxy.delayMs)]).then(() => {
      write()
      if (late.get(to) === written) late.delete(to)
    })
    late.set(to, written)
  }
  const frames = new ClientFrames()
  let held: Promise<unknown> | null = null
  const forward = (bytes: Buffer) => {
    for (const frame of frames.take(bytes)) {
      const mischief =
        silent || answersLost ? null : proxy.mischief(frame.statement, frame.bytes, connection)
      if (mischief?.kind === 'hold') {
        proxy.done++
        held = mischief.until
      }
      if (held) {
        void held.then(() => send(upstream, frame.bytes))
        continue
      }
      if (!mischief) {
        send(upstream, frame.bytes)
        continue
      }
      proxy.done++
      switch (mischief.kind) {
        case 'lose the answer':
          answersLost = true
          send(upstream, frame.bytes)
          break
        case 'keep the answer':
          send(upstream, frame.bytes)
          silent = true
          break
        case 'drop':
          cut()
          return
        case 'deliver late':
          answersLost = true
          setTimeout(() => send(upstream, frame.bytes), mischief.ms)
          client.destroy()
          return
        case 'black hole':
          silent = true
          break
        case 'reset':
          send(upstream, frame.bytes.subarray(0, frame.bytes.length >> 1))
          cut()
          return
      }
    }
  }
  client.on('data', forward)
  upstream.on('data', bytes => {
    if (!answersLost) send(client, bytes)
    // The answer is here, so the server has done it; now the client may learn that it is alone.
    else if (!client.destroyed) cut()
  })
  client.on('error', () => undefined).on('close', () => answersLost || upstream.destroy())
  upstream.on('close', () => forgotten())
  upstream.on('error', () => undefined).on('close', () => silent || client.destroy())
}

/** Cuts a client's bytes into messages. The first message of a connection has no type byte. */
class ClientFrames {
  #rest: Buffer = Buffer.alloc(0)
  #started = false
  /** Texts of prepared statements, by name, and the one that is being prepared. */
  readonly #prepared = new Map<string, string>()
  #preparing = ''

  take(bytes: Buffer): { statement: string; bytes: Buffer }[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const frames: { statement: string; bytes: Buffer }[] = []
    for (;;) {
      const head = this.#started ? 1 : 0
      if (this.#rest.length < head + 4) return frames
      const length = head + this.#rest.readUInt32BE(head)
      if (this.#rest.length < length) return frames
      const frame = this.#rest.subarray(0, length)
      this.#rest = this.#rest.subarray(length)
      frames.push({ statement: this.#started ? this.#statementOf(frame) : 'startup', bytes: frame })
      this.#started = true
    }
  }

  // Each statement once: where it is prepared, or where it is bound, if it was prepared before.
  #statementOf(frame: Buffer): string {
    switch (String.fromCharCode(frame[0]!)) {
      case 'Q':
        return textAt(frame, 5)
      case 'P': {
        this.#preparing = textAt(frame, 5)
        const text = textAt(frame, frame.indexOf(0, 5) + 1)
        this.#prepared.set(this.#preparing, text)
        return text
      }
      case 'B': {
        const name = textAt(frame, frame.indexOf(0, 5) + 1)
        return name === this.#preparing ? '' : this.#prepared.get(name)!
      }
      case 'd':
        return 'copy data'
      case 'c':
        return 'copy done'
      case 'S':
        this.#preparing = '\0'
        return 'sync'
      default:
        return ''
    }
  }
}

function textAt(frame: Buffer, from: number): string {
  return frame.toString('utf8', from, frame.indexOf(0, from))
}

/** Picks the first `times` statements that match, after letting `skip` pass. */
export function onStatement(
  match: RegExp,
  mischief: Mischief,
  times = 1,
  skip = 0,
): Proxy['mischief'] {
  let passed = 0
  let left = times
  return statement => {
    if (!match.test(statement) || passed++ < skip || left <= 0) return null
    left--
    return mischief
  }
}
