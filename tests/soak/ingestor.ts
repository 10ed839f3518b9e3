import { join } from 'node:path'
import type { Failpoint } from '../../services/ingestor/failpoint.ts'
import type { Folders } from '../support/folders.ts'
import { type Life, startLife } from '../support/life.ts'
import type { OwnServer } from '../support/own-server.ts'
import type { LogLine } from '../support/process.ts'
import { startProxy, type Proxy as TcpProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { Breach } from './breach.ts'

export const LEASE_MS = 5_000

/** Small batches, so that a fault finds transactions under way; a lease that a run can wait for. */
const SETTINGS = {
  INGEST_BATCH_ROWS: '100',
  INGEST_LEASE_SECONDS: String(LEASE_MS / 1_000),
  INGEST_SWEEP_SECONDS: '1',
  INGEST_SETTLE_SECONDS: '0.5',
  METRICS_PORT: '0',
}
/** What an ingestor may take to stop in order, and to be fit again after what was done to it. */
const GRACE_MS = 20_000

export interface Place {
  server: OwnServer
  folders: Folders
  logs: string
  onBreach: (breach: Breach) => void
}

/** A place in the fleet: one process after another, always through the same proxy. */
export class Ingestor {
  readonly number: number
  readonly proxy: TcpProxy
  readonly #place: Place
  #life: Life | undefined
  #endWanted = false
  #metricsPort: number | undefined
  /** How often any of its processes found that its files were another's. */
  fenced = 0

  private constructor(number: number, proxy: TcpProxy, place: Place) {
    this.number = number
    this.proxy = proxy
    this.#place = place
  }

  static async placed(number: number, place: Place): Promise<Ingestor> {
    return new Ingestor(number, await startProxy(place.server.database), place)
  }

  get name(): string {
    return `ingestor ${this.number}`
  }

  get life(): Life | undefined {
    return this.#life
  }

  /** @param failpoint the moment at which, and the how-manieth time, it is to kill itself */
  start(failpoint?: { point: Failpoint; passes: number }): void {
    this.#metricsPort = undefined
    this.#endWanted = failpoint !== undefined
    const fatal = failpoint
      ? { INGEST_FAILPOINT: failpoint.point, INGEST_FAILPOINT_PASSES: String(failpoint.passes) }
      : {}
    const life = startLife({
      entry: 'services/ingestor/main.ts',
      args: ['run'],
      // As `npm run ingest` starts it: its memory is measured.
      nodeArgs: ['--max-semi-space-size=4'],
      env: { ...this.proxy.env, ...this.#place.folders.env, ...SETTINGS, ...fatal },
      logFile: join(this.#place.logs, `ingestor-${this.number}.log`),
      onLog: line => this.#hear(line),
    })
    this.#life = life
    void life.ended.then(({ code, signal }) => {
      if (this.#endWanted) return
      this.#place.onBreach(
        new Breach('the processes', [
          `${this.name} (process ${life.pid}) ended by itself: ${signal ?? `exit code ${code}`}; see ${this.#place.logs}/ingestor-${this.number}.log`,
        ]),
      )
    })
  }

  /** Of the one that is running. @returns its process id */
  async kill(): Promise<number> {
    this.#endWanted = true
    const life = this.#life!
    life.signal('SIGKILL')
    await life.ended
    return life.pid
  }

  /** Waits for a death that was arranged. @returns whether it came in time */
  async dies(deadlineMs: number, stop: AbortSignal): Promise<boolean> {
    const life = this.#life!
    const over = Promise.withResolvers<void>()
    const timer = setTimeout(over.resolve, deadlineMs)
    stop.addEventListener('abort', () => over.resolve(), { once: true })
    await Promise.race([life.ended, over.promise])
    clearTimeout(timer)
    return life.exit !== undefined
  }

  /** In order, by SIGTERM. @throws Breach where it does not end with 0 in time */
  async stop(): Promise<void> {
    const life = this.#life
    if (!life || life.exit) return
    this.#endWanted = true
    life.signal('SIGTERM')
    const exit = await until(
      `${this.name} to stop`,
      () => life.exit && { ...life.exit },
      GRACE_MS,
    ).catch(() => undefined)
    this.#life = undefined
    if (exit?.code === 0) return
    const how = exit
      ? (exit.signal ?? `exit code ${exit.code}`)
      : `still there after ${GRACE_MS} ms`
    throw new Breach('the processes', [
      `${this.name}: SIGTERM: exit code 0 within ${GRACE_MS} ms expected, found ${how}`,
    ])
  }

  freeze(): void {
    this.#life!.signal('SIGSTOP')
  }

  thaw(): void {
    this.#life!.signal('SIGCONT')
  }

  /** Waits until it says that database, schema and folders are fit. @throws Breach where it never does */
  async fit(deadlineMs: number, stop: AbortSignal): Promise<void> {
    let last = 'no answer'
    const ready = async () => {
      if (stop.aborted || !this.#life || this.#life.exit) return true
      if (this.#metricsPort === undefined) return false
      try {
        const answer = await fetch(`http://127.0.0.1:${this.#metricsPort}/readyz`, {
          signal: AbortSignal.timeout(5_000),
        })
        last = await answer.text()
        return answer.status === 200
      } catch (error) {
        last = (error as Error).message
        return false
      }
    }
    await until(`${this.name} to be ready`, ready, deadlineMs).catch(() => {
      throw new Breach('the processes', [
        `${this.name}: ready within ${deadlineMs} ms of a fault expected, found ${last}`,
      ])
    })
  }

  #hear(line: LogLine): void {
    if (line.msg === 'starting') this.#metricsPort = line.metricsPort as number
    if (line.msg === 'fenced') this.fenced++
    if (line.level !== 'fatal') return
    this.#place.onBreach(
      new Breach('the processes', [`${this.name} says: ${JSON.stringify(line)}`]),
    )
  }
}
