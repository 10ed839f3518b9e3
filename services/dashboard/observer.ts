import type { Logger } from '../runtime/logger.ts'
import type { Auditor } from './audit.ts'
import { bottleneckOf } from './bottleneck.ts'
import { RateWindow, ratesBetween, rowBytes } from './rates.ts'
import { Ring } from './ring.ts'
import type { Rounds, Snapshot } from './round.ts'
import type { Connection, History, Seen, Setup, Status, Tick } from './shape.ts'
import { verdictOf } from './verdict.ts'

const EVERY_MS = 1_000
const LONGEST_RETRY_MS = 5_000
const BOTTLENECK_SECONDS = 10
/** With each second those before it, which may have been amended. */
const AMENDED_SECONDS = 8
/** A gap between two looks that is longer is shown as one. */
const GAP_MS = 5_000

/** Looks once a second and tells everyone who listens, whether there was an answer or not. */
export class Observer {
  readonly #rounds: Rounds
  readonly #auditor: Auditor
  readonly #setup: Setup
  readonly #logger: Logger
  readonly #now: () => number
  readonly #listeners = new Set<(tick: Tick) => void>()
  readonly #ring = new Ring()
  readonly #window = new RateWindow()
  #looking = false
  #failures = 0
  #fault: string | null = null
  #retryAt = 0
  #seen: { value: Seen; nowMs: number; at: number } | null = null

  constructor(rounds: Rounds, auditor: Auditor, setup: Setup, logger: Logger, now: () => number) {
    this.#rounds = rounds
    this.#auditor = auditor
    this.#setup = setup
    this.#logger = logger
    this.#now = now
  }

  get history(): History {
    return this.#ring.all
  }

  get status(): Status {
    const at = this.#now()
    const seen = this.#seen
    const nowMs = seen ? seen.nowMs + at - seen.at : Date.now()
    const connection: Connection = {
      up: this.#fault === null,
      fault: this.#fault,
      retryInMs: this.#fault === null || this.#looking ? null : Math.max(0, this.#retryAt - at),
      seenAgoMs: seen && at - seen.at,
    }
    const value = seen && { ...seen.value, audit: this.#auditor.latest }
    const verdict = verdictOf(connection, value, nowMs)
    return { nowMs, verdict, connection, setup: this.#setup, seen: value }
  }

  /** @returns how to stop listening */
  listen(listener: (tick: Tick) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Until stopped. A look that takes long holds nobody up: the others are told that it does. */
  async run(stop: AbortSignal): Promise<void> {
    const timer = setInterval(() => this.#tick(), EVERY_MS)
    this.#tick()
    await new Promise(resolve => stop.addEventListener('abort', resolve, { once: true }))
    clearInterval(timer)
  }

  #tick(): void {
    const due = this.#now() >= this.#retryAt
    if (this.#looking || !due) this.#tell()
    else void this.#look().finally(() => this.#tell())
  }

  async #look(): Promise<void> {
    this.#looking = true
    try {
      this.#saw(await this.#rounds.look())
      if (this.#failures > 0) this.#logger.info('the database answers again')
      this.#failures = 0
      this.#fault = null
      this.#auditor.beginIfDue()
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException)
    } finally {
      this.#looking = false
    }
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#failures++
    this.#fault = error.message || error.code || error.name
    this.#retryAt = this.#now() + Math.min(LONGEST_RETRY_MS, EVERY_MS * 2 ** (this.#failures - 1))
    this.#rounds.reset()
    if (this.#failures > 1) return
    this.#logger.warn({ code: error.code, error: this.#fault }, 'the database cannot be read now')
    if (this.#seen)
      this.#ring.mark({ t: this.status.nowMs / 1000, kind: 'outage', words: this.#fault })
  }

  #saw(snapshot: Snapshot): void {
    const { nowMs, totals, ingestors, files, rejects, paused } = snapshot
    this.#window.add(snapshot)
    this.#remember(snapshot)
    const lately = this.#ring.since(nowMs / 1000 - BOTTLENECK_SECONDS).points
    const value: Seen = {
      ...{ totals, ingestors, files, rejects, paused },
      rates: { ...this.#window.rates, freshness: snapshot.freshness },
      bottleneck: bottleneckOf(totals, ingestors, lately, nowMs),
      audit: this.#auditor.latest,
    }
    this.#seen = { value, nowMs, at: this.#now() }
  }

  #remember({ nowMs, sinceMs, totals, seconds, arrivals, markers }: Snapshot): void {
    const t = Math.floor(nowMs / 1000)
    for (const { t, bytes } of arrivals ?? []) {
      this.#ring.amend({ t, rowsIn: bytes / rowBytes(totals) })
    }
    for (const second of seconds) this.#ring.amend(second)
    for (const marker of markers) this.#ring.mark(marker)
    const before = this.#window.before
    if (before && nowMs - before.nowMs < GAP_MS) {
      this.#ring.amend({ t, rowsIn: ratesBetween(before, { nowMs, totals }).rowsIn })
    }
    const { lastCommitAtMs } = totals
    const filesWaiting = totals.filesWaiting + totals.filesInWork
    const commitAgeS = lastCommitAtMs === null ? null : (nowMs - lastCommitAtMs) / 1000
    this.#ring.amend({ t, filesWaiting, commitAgeS })
    for (let second = Math.ceil(sinceMs / 1000); second <= t; second++) this.#ring.fill(second)
  }

  #tell(): void {
    const status = this.status
    const recent = this.#ring.since(status.nowMs / 1000 - AMENDED_SECONDS)
    for (const listener of this.#listeners) listener({ status, ...recent })
  }
}
