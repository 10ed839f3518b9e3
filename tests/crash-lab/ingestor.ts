import { join } from 'node:path'
import type { Folders } from '../support/folders.ts'
import { type Life, startLife } from '../support/life.ts'
import type { OwnServer } from '../support/own-server.ts'
import { startProxy, type Proxy as TcpProxy } from '../support/proxy.ts'
import { CopiedRows } from './copied-rows.ts'
import { BATCH_BEGINS } from './moments.ts'

/** One transaction at a time, so that there is one thing to look at; a lease that a person can wait for. */
const SETTINGS = {
  INGEST_BATCH_ROWS: '200',
  INGEST_CONNECTIONS: '1',
  INGEST_LEASE_SECONDS: '2',
  INGEST_SWEEP_SECONDS: '0.5',
  INGEST_SETTLE_SECONDS: '0.2',
  METRICS_PORT: '0',
}

export interface Trap {
  statement: RegExp
  /** Left to let pass. Shared, where two ingestors stand before the same trap. */
  left: { passes: number }
  unheard: boolean
  lastOfFile: boolean
}

/** Ingestor A or B: one process after another, through a proxy that can hold it still. */
export class Ingestor {
  readonly name: string
  readonly copied = new CopiedRows()
  readonly #proxy: TcpProxy
  readonly #where: { folders: Folders; logs: string }
  #life: Life | undefined
  #ready = Promise.withResolvers<void>()
  #release = Promise.withResolvers<void>()
  #trap: Trap | undefined
  #sprung = Promise.withResolvers<void>()
  /** The connection whose transaction stores rows, and whether that ends a file. */
  #storing = 0
  #finishing = false

  private constructor(name: string, proxy: TcpProxy, where: { folders: Folders; logs: string }) {
    this.name = name
    this.#proxy = proxy
    this.#where = where
    proxy.mischief = (statement, frame, connection) => this.#see(statement, frame, connection)
  }

  static async placed(name: string, server: OwnServer, folders: Folders, logs: string) {
    return new Ingestor(name, await startProxy(server.database), { folders, logs })
  }

  get pid(): number {
    return this.#life!.pid
  }

  /** Waits until it is ready. */
  async start(): Promise<void> {
    this.#ready = Promise.withResolvers()
    const { folders, logs } = this.#where
    const life = startLife({
      entry: 'services/ingestor/main.ts',
      args: ['run'],
      env: { ...this.#proxy.env, ...folders.env, ...SETTINGS },
      logFile: join(logs, `${this.name.replace(' ', '-')}.log`),
      onLog: line => {
        if (line.msg === 'ready') this.#ready.resolve()
      },
    })
    this.#life = life
    const early = life.ended.then(() => {
      throw new Error(`${this.name} ended before it was ready; see ${logs}`)
    })
    early.catch(() => undefined)
    await Promise.race([this.#ready.promise, early])
  }

  async kill(): Promise<void> {
    this.#life!.signal('SIGKILL')
    await this.#life!.ended
    this.spring()
  }

  async stop(): Promise<void> {
    this.spring()
    this.#life?.signal('SIGTERM')
    await this.#life?.ended
  }

  /** @returns when the trap holds it */
  setTrap(trap: Trap): Promise<void> {
    this.#release = Promise.withResolvers()
    this.#sprung = Promise.withResolvers()
    this.#trap = trap
    return this.#sprung.promise
  }

  /** Lets go, and takes the trap away. */
  spring(): void {
    this.#trap = undefined
    this.#release.resolve()
  }

  #see(statement: string, frame: Buffer, connection: number) {
    if (BATCH_BEGINS.test(statement)) this.#storing = connection
    const storing = connection === this.#storing
    if (storing) this.copied.see(statement, frame)
    // The new state of a file travels beside the statement that sets it.
    if (BATCH_BEGINS.test(statement)) this.#finishing = false
    if (frame.includes('{"done"}')) this.#finishing = true
    const trap = this.#trap
    if (!trap?.statement.test(statement) || (trap.lastOfFile && !this.#finishing)) return null
    // Others commit as well: what is asked by people is looked for in transactions of their own.
    if (statement === 'commit' && !storing) return null
    if (--trap.left.passes > 0) return null
    this.#trap = undefined
    this.#sprung.resolve()
    return trap.unheard
      ? ({ kind: 'keep the answer' } as const)
      : ({ kind: 'hold', until: this.#release.promise } as const)
  }
}
