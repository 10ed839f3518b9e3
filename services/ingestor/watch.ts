import { lstatSync } from 'node:fs'
import { basename, join } from 'node:path'
import { watch as chokidarWatch, type FSWatcher } from 'chokidar'
import { judgeFileName } from '../contract/dialect.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Doorbell } from './doorbell.ts'

/** What was used up by others may be free again. */
const TRY_AGAIN_MS = 30_000
const AGAIN_MS = 100

/**
 * Tells which names changed in the folder, as hints: one brings a file in within milliseconds, one
 * that never comes costs no more than the wait for the next sweep. Watches the folder itself, not
 * what is in its folders.
 */
export class Watcher {
  readonly #folder: string
  readonly #bell: Doorbell
  readonly #logger: Logger
  readonly #onFault: (fault: string | null) => void
  #watcher: FSWatcher | null = null
  #failedAt: number | null = null
  #names = new Set<string>()
  /** When names were given out, for those of late. */
  readonly #given = new Map<string, number>()
  #justUp = false

  /** @param onFault told why there are no hints, and null once there are again */
  constructor(
    folder: string,
    bell: Doorbell,
    logger: Logger,
    onFault: (fault: string | null) => void,
  ) {
    this.#folder = folder
    this.#bell = bell
    this.#logger = logger
    this.#onFault = onFault
  }

  get isWatching(): boolean {
    return this.#watcher !== null && this.#failedAt === null
  }

  /**
   * The names reported since they were last taken, of what is there: files that leave are no news. One
   * that is written to all the time is given out again after a while only.
   */
  take(): string[] {
    const now = performance.now()
    for (const [name, at] of this.#given) if (now - at >= AGAIN_MS) this.#given.delete(name)
    const names = [...this.#names].filter(name => !this.#given.has(name))
    for (const name of names) {
      this.#names.delete(name)
      this.#given.set(name, now)
    }
    if (this.#names.size > 0) setTimeout(() => this.#bell.ring(), AGAIN_MS).unref()
    return names.filter(name => isThere(join(this.#folder, name)))
  }

  /** Whether it has come up since this was last asked: of what came before, no event told. */
  cameUp(): boolean {
    const justUp = this.#justUp
    this.#justUp = false
    return justUp
  }

  /** Does nothing where it runs, and where it failed a short while ago. */
  start(): void {
    if (this.#watcher && !this.#isWorthAnother()) return
    void this.#watcher?.close()
    const hint = (name: string) => {
      if (judgeFileName(name) === 'unfinished') return
      this.#names.add(name)
      this.#bell.ring()
    }
    const watcher = chokidarWatch(this.#folder, {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true,
    })
    this.#watcher = watcher
    let failed = false
    // As the system says it, before chokidar has looked for itself (`add`, `change`): that takes some
    // milliseconds. Where the system does not say what it is about, chokidar finds out.
    let nameless = false
    watcher.on('raw', (_event, name) => {
      if (name) hint(basename(name))
      else nameless = true
    })
    const lookedAt = (path: string) => nameless && hint(basename(path))
    watcher.on('add', lookedAt).on('change', lookedAt)
    // Said after an error, too: up it is only without one.
    watcher.on('ready', () => {
      this.#justUp = true
      this.#bell.ring()
      if (!failed) this.#recovered()
    })
    // No inotify watches left, for one. The sweep delivers without it.
    watcher.on('error', error => {
      failed = true
      this.#failed(error as Error)
    })
  }

  #isWorthAnother(): boolean {
    return this.#failedAt !== null && performance.now() - this.#failedAt > TRY_AGAIN_MS
  }

  #failed(error: Error): void {
    if (this.#failedAt === null)
      this.#logger.warn({ err: error }, 'the folder watcher failed; sweeps find new files')
    this.#failedAt = performance.now()
    this.#onFault(`the folder watcher failed: ${error.message}`)
  }

  #recovered(): void {
    if (this.#failedAt === null) return
    this.#logger.info('the folder watcher works again')
    this.#failedAt = null
    this.#onFault(null)
  }

  async stop(): Promise<void> {
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
  }
}

/** What cannot be looked at counts as there: whoever looks closer tells why it cannot be. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}
