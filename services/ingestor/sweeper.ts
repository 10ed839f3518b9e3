import type { Logger } from '../runtime/logger.ts'
import { type Discovery, registerNames, sweep } from './discover.ts'
import { Doorbell } from './doorbell.ts'
import { type Retry, retrying } from './retry.ts'
import { Hints, watchFolder } from './watch.ts'

/** How often the folder is listed where no events come from it. */
const POLLING_SWEEP_MS = 1_000
/** Sweeps take at most a tenth of the time, however many files are waiting. */
const DUTY = 10

export interface Sweeping extends Discovery {
  sweepMs: number
  watch: 'auto' | 'events' | 'polling'
  logger: Logger
  retry: Omit<Retry, 'what'>
  /** Called when there is something new to claim. */
  onFound: () => void
}

/**
 * Finds files until stopped: lists the folder at the start and every `sweepMs`, and looks at single
 * names as soon as the watcher reports them.
 */
export async function sweepUntilStopped(sweeping: Sweeping, stop: AbortSignal): Promise<void> {
  const bell = new Doorbell()
  const hints = new Hints(bell)
  const unwatch =
    sweeping.watch === 'polling' ? null : watchFolder(sweeping.inputDir, hints, sweeping.logger)
  const pace = new Pace(sweeping)
  try {
    while (!stop.aborted) {
      const { names } = hints.take()
      const due = pace.isDue() || names === null
      const found = await retrying(
        () =>
          due
            ? sweep(sweeping)
            : registerNames(
                names!.map(name => Buffer.from(name)),
                sweeping,
              ),
        { what: 'discover', ...sweeping.retry },
      )
      if (due) pace.swept(found.length, names?.length ?? 1)
      else pace.hinted()
      if (found.length > 0) {
        sweeping.logger.debug(
          { files: found.length, by: due ? 'sweep' : 'watcher' },
          'files discovered',
        )
        sweeping.onFound()
      }
      await bell.wait(pace.untilDue(), stop)
    }
  } finally {
    await unwatch?.()
  }
}

/**
 * When to sweep next. In `auto`, sweeps that twice in a row find files of which no event told (a
 * folder mounted from another machine or from Docker Desktop's host) come once a second, until an
 * event arrives.
 */
class Pace {
  readonly #sweeping: Sweeping
  #startedAt = 0
  #dueAt = 0
  #sweeps = 0
  #deaf = 0

  constructor(sweeping: Sweeping) {
    this.#sweeping = sweeping
  }

  isDue(): boolean {
    this.#startedAt = performance.now()
    return this.#startedAt >= this.#dueAt
  }

  untilDue(): number {
    return Math.max(0, this.#dueAt - performance.now())
  }

  hinted(): void {
    if (this.#deaf >= 2) this.#sweeping.logger.info('the folder reports events again')
    this.#deaf = 0
  }

  swept(found: number, hints: number): void {
    const first = this.#sweeps++ === 0
    if (hints > 0) this.hinted()
    else if (found > 0 && !first && this.#sweeping.watch === 'auto' && ++this.#deaf === 2) {
      this.#sweeping.logger.warn(
        { sweepSeconds: POLLING_SWEEP_MS / 1000 },
        'the folder reports no events; new files are found by listing it instead',
      )
    }
    const polling = this.#sweeping.watch === 'polling' || this.#deaf >= 2
    const pause = polling
      ? Math.min(POLLING_SWEEP_MS, this.#sweeping.sweepMs)
      : this.#sweeping.sweepMs
    const now = performance.now()
    this.#dueAt = now + Math.max(pause, DUTY * (now - this.#startedAt))
  }
}
