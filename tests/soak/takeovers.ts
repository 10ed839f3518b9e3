import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '../support/postgres.ts'

const LOOK_EVERY_MS = 25

/** How long files waited for another owner after theirs was killed or frozen. */
export class Takeovers {
  readonly firstMs: number[] = []
  readonly lastMs: number[] = []
  readonly #database: TestDatabase

  constructor(database: TestDatabase) {
    this.#database = database
  }

  /** Files that a process holds now; null where the server does not answer. */
  async heldBy(pid: number): Promise<number | null> {
    const rows = await this.#database
      .query<{ n: number }>(
        `select count(*)::int as n from ingest_files
          where status = 'active' and split_part(owner, ' ', 3) = $1`,
        [String(pid)],
      )
      .catch(() => null)
    return rows && rows[0]!.n
  }

  /** Waits until the files that `pid` held at its end are another's. @returns it in words */
  async from(pid: number, deadlineMs: number, stop: AbortSignal): Promise<string> {
    const startedMs = performance.now()
    const passed = () => performance.now() - startedMs
    const held = await this.heldBy(pid)
    if (!held) return 'it held no file'
    let firstMs: number | undefined
    while (!stop.aborted && passed() < deadlineMs) {
      const left = await this.heldBy(pid)
      if (left !== null && left < held) firstMs ??= passed()
      if (left === 0) {
        this.firstMs.push(firstMs!)
        this.lastMs.push(passed())
        return `it held ${held} ${held === 1 ? 'file' : 'files'}, taken over after ${seconds(firstMs!)}${held > 1 ? ` to ${seconds(passed())}` : ''}`
      }
      await sleep(LOOK_EVERY_MS)
    }
    return `it held ${held} files, and some were not taken over within ${seconds(passed())}`
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
