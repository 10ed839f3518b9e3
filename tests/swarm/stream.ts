import { setTimeout as sleep } from 'node:timers/promises'
import { type MadeFile, makeFile, publish } from '../support/made-file.ts'
import type { SharedFolders } from './stack.ts'

export interface Streaming {
  rowsPerFile: number
  filesPerSecond: number
  seed: number
}

/** Files that keep coming until stopped, whatever happens on the other side. */
export class Stream {
  /** All that was ever written: the answer key. */
  readonly files: MadeFile[] = []
  readonly #folders: SharedFolders
  #stop = new AbortController()
  #running: Promise<void> | null = null

  constructor(folders: SharedFolders) {
    this.#folders = folders
  }

  start(prefix: string, streaming: Streaming): void {
    this.#stop = new AbortController()
    this.#running = this.#run(prefix, streaming, this.#stop.signal)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Some files more, at once. */
  async add(made: readonly MadeFile[]): Promise<void> {
    this.files.push(...made)
    await publish(made, this.#folders)
  }

  async #run(prefix: string, { rowsPerFile, filesPerSecond, seed }: Streaming, stop: AbortSignal) {
    const pauseMs = 1000 / filesPerSecond
    for (let count = 0; !stop.aborted; count++) {
      const name = `${prefix}_${String(count).padStart(4, '0')}.csv`
      await this.add([makeFile({ name, seed: seed * 1_009 + count, rows: rowsPerFile })])
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined)
    }
  }
}
