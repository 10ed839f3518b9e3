import { basename } from 'node:path'
import { watch as chokidarWatch } from 'chokidar'
import type { Logger } from '../runtime/logger.ts'
import type { Doorbell } from './doorbell.ts'

/** More names than this are not looked at one by one: a sweep finds them sooner. */
const MAX_HINTS = 1_000

/**
 * Names that the watcher has reported since they were last taken. A hint brings a file in within
 * milliseconds; a hint that never comes costs no more than the wait for the next sweep.
 */
export class Hints {
  #names = new Set<string>()
  #overflowed = false
  readonly #bell: Doorbell

  constructor(bell: Doorbell) {
    this.#bell = bell
  }

  add(name: string): void {
    if (this.#names.size < MAX_HINTS) this.#names.add(name)
    else this.#overflowed = true
    this.#bell.ring()
  }

  /** `names` is null where there were too many to keep. */
  take(): { names: string[] | null } {
    const names = this.#overflowed ? null : [...this.#names]
    this.#names = new Set()
    this.#overflowed = false
    return { names }
  }
}

/**
 * Watches the folder itself, not what is in its folders. An error of the watcher (no inotify watches
 * left, say) is reported and survived: the sweep delivers without it.
 * @returns what stops it
 */
export function watchFolder(folder: string, hints: Hints, logger: Logger): () => Promise<void> {
  const watcher = chokidarWatch(folder, {
    depth: 0,
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignorePermissionErrors: true,
  })
  watcher.on('add', path => hints.add(basename(path)))
  watcher.on('change', path => hints.add(basename(path)))
  watcher.on('error', error =>
    logger.warn({ err: error }, 'the folder watcher failed; sweeps alone find new files now'),
  )
  return () => watcher.close()
}
