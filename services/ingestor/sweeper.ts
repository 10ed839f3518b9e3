import type { Logger } from '../runtime/logger.ts'
import { type Discovery, type Found, lookAtNames, sweep } from './discover.ts'
import { Doorbell } from './doorbell.ts'
import { type Retry, retrying } from './retry.ts'
import { Watcher } from './watch.ts'

/** How often the folder is listed where no events come from it. */
const POLLING_SWEEP_MS = 1_000
/**
 * A folder with more names than this is not watched but listed often: chokidar lists and stats the
 * whole folder at each event, keeps a watch a file, and loses events in a storm without a word.
 */
const WATCHABLE_NAMES = 1_000
const CROWDED_SWEEP_MS = 250
/** Sweeps take at most a tenth of the time, however many files are waiting. */
const DUTY = 10

export interface Sweeping extends Discovery {
  sweepMs: number
  watch: 'auto' | 'events' | 'polling'
  logger: Logger
  retry: Omit<Retry, 'what'>
  /** Called when there is something new to claim. */
  onFound: (files: number) => void
  /** Called with the reason where new files are found by listing alone, and with null once they are heard of. */
  onDeaf: (why: string | null) => void
}

/**
 * Finds files until stopped: lists the folder at the start and every `sweepMs`, and looks at single
 * names as soon as the watcher reports them. The listing comes first, so that a crowded folder is
 * never watched.
 */
export async function sweepUntilStopped(sweeping: Sweeping, stop: AbortSignal): Promise<void> {
  const bell = new Doorbell()
  const watcher = new Watcher(sweeping.inputDir, bell, sweeping.logger, sweeping.onDeaf)
  const ears = new Ears(sweeping)
  let dueAt = 0
  try {
    while (!stop.aborted) {
      const startedAt = performance.now()
      const names = watcher.take()
      const cameUp = watcher.cameUp()
      const due = cameUp || startedAt >= dueAt || names.length > WATCHABLE_NAMES
      const { listed, found } = await retrying(() => look(due ? null : names, sweeping), {
        what: 'discover',
        ...sweeping.retry,
      })
      if (found > 0) {
        sweeping.logger.debug({ files: found, by: due ? 'sweep' : 'watcher' }, 'files discovered')
        sweeping.onFound(found)
      }
      if (names.length > 0) ears.heard()
      else if (due && !cameUp && found > 0 && watcher.isWatching) ears.missed()
      if (due) {
        const crowded = listed > WATCHABLE_NAMES
        if (crowded) await watcher.stop()
        else if (sweeping.watch !== 'polling') watcher.start()
        const now = performance.now()
        dueAt = now + Math.max(DUTY * (now - startedAt), crowded ? CROWDED_SWEEP_MS : ears.sweepMs)
      }
      await bell.wait(Math.max(0, dueAt - performance.now()), stop)
    }
  } finally {
    await watcher.stop()
  }
}

function look(names: string[] | null, sweeping: Sweeping): Promise<Found> {
  return names === null ? sweep(sweeping) : lookAtNames(names, sweeping)
}

/**
 * Whether the folder's events are heard. In `auto`, once sweeps have twice found files of which no
 * event told (a folder mounted from another machine or from Docker Desktop's host), the folder is
 * listed once a second, until an event comes.
 */
class Ears {
  readonly #sweeping: Sweeping
  #sweeps = 0
  #missed = 0

  constructor(sweeping: Sweeping) {
    this.#sweeping = sweeping
  }

  get sweepMs(): number {
    const { watch, sweepMs } = this.#sweeping
    const deaf = watch === 'polling' || this.#missed >= 2
    return deaf ? Math.min(POLLING_SWEEP_MS, sweepMs) : sweepMs
  }

  heard(): void {
    if (this.#missed >= 2) {
      this.#sweeping.logger.info('the folder reports events again')
      this.#sweeping.onDeaf(null)
    }
    this.#missed = 0
  }

  // What was there before the start announces itself to nobody.
  missed(): void {
    if (this.#sweeps++ === 0 || this.#sweeping.watch !== 'auto' || ++this.#missed !== 2) return
    this.#sweeping.logger.warn(
      { sweepSeconds: this.sweepMs / 1000 },
      'the folder reports no events; new files are found by listing it instead',
    )
    this.#sweeping.onDeaf('the folder reports no events')
  }
}
