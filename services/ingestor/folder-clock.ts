import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs'
import { HeldFolder } from './held-folder.ts'

/**
 * The clock that stamps the folder's files: a file server's, or this machine's kernel. How long a
 * file has been still is told by it alone, so that this process's own clock may be a day off.
 */
export class FolderClock {
  readonly #folder: string
  #ahead = Number.NEGATIVE_INFINITY

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Reads the stamp of a file made now. Where none can be made, every file counts as just written. */
  set(): void {
    let folder: HeldFolder | undefined
    try {
      folder = new HeldFolder(this.#folder)
      const probe = folder.at(`.clock-${process.pid}-${Math.random().toString(36).slice(2)}`)
      const fd = openSync(probe, 'wx')
      this.#ahead = fstatSync(fd).mtimeMs - Date.now()
      closeSync(fd)
      unlinkSync(probe)
    } catch {
      this.#ahead = Number.NEGATIVE_INFINITY
    } finally {
      folder?.close()
    }
  }

  /** Milliseconds since the epoch; -Infinity while unknown. */
  now(): number {
    return Date.now() + this.#ahead
  }
}
