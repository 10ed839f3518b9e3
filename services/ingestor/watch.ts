import { basename } from 'node:path'
import { watch as chokidarWatch, type FSWatcher } from 'chokidar'
import type { Logger } from '../runtime/logger.ts'
import type { Doorbell } from './doorbell.ts'

/**
 * Tells which names changed in the folder, as hints: one brings a file in within milliseconds, one
 * that never comes costs no more than the wait for the next sweep. Watches the folder itself, not
 * what is in its folders.
 */
export class Watcher {
  readonly #folder: string
  readonly #bell: Doorbell
  readonly #logger: Logger
  #watcher: FSWatcher | null = null
  #names = new Set<string>()
  #justUp = false

  constructor(folder: string, bell: Doorbell, logger: Logger) {
    this.#folder = folder
    this.#bell = bell
    this.#logger = logger
  }

  get isWatching(): boolean {
    return this.#watcher !== null
  }

  /** The names reported since they were last taken. */
  take(): string[] {
    const names = [...this.#names]
    this.#names.clear()
    return names
  }

  /** Whether it has come up since this was last asked: of what came before, no event told. */
  cameUp(): boolean {
    const justUp = this.#justUp
    this.#justUp = false
    return justUp
  }

  start(): void {
    if (this.#watcher) return
    const hint = (path: string) => {
      this.#names.add(basename(path))
      this.#bell.ring()
    }
    this.#watcher = chokidarWatch(this.#folder, {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true,
    })
    this.#watcher.on('add', hint).on('change', hint)
    this.#watcher.on('ready', () => {
      this.#justUp = true
      this.#bell.ring()
    })
    // No inotify watches left, for one. The sweep delivers without it.
    this.#watcher.on('error', error =>
      this.#logger.warn({ err: error }, 'the folder watcher failed; sweeps find new files'),
    )
  }

  async stop(): Promise<void> {
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
  }
}
