import type { Logger } from '../runtime/logger.ts'
import { type Archiving, archiveFiles, type Finished, unarchived } from './archive.ts'
import type { Stored } from './commit.ts'
import { Doorbell } from './doorbell.ts'
import { triage } from './errors.ts'

const GROUP = 2_000
/** Files that are remembered; more are found again in the database. */
const MAX_IN_HAND = 5 * GROUP
/** Files that another ingestor has just finished with are its own to move, for a lease at most. */
const MOST_LEFT_BEHIND_MS = 5_000
const RETRY_MS = 5_000

/** Moves finished files away behind the commits, a group at a time. */
export class Archiver {
  readonly #to: Archiving
  readonly #logger: Logger
  readonly #report: (fault: string | null) => void
  readonly #leftBehindMs: number
  readonly #bell = new Doorbell()
  #finished: Finished[] = []

  constructor(
    to: Archiving & { leaseMs: number },
    logger: Logger,
    report: (fault: string | null) => void,
  ) {
    this.#to = to
    this.#leftBehindMs = Math.min(MOST_LEFT_BEHIND_MS, to.leaseMs)
    this.#logger = logger
    this.#report = report
  }

  add({ moves }: Stored): void {
    for (const { claim, next } of moves) {
      if (next.status !== 'done' && !(next.status === 'refused' && next.reason !== 'changed'))
        continue
      if (this.#finished.length >= MAX_IN_HAND) break
      this.#finished.push({
        fileId: claim.fileId,
        fileName: claim.fileName,
        generation: claim.generation,
        status: next.status,
        badName: false,
        seen: next.seen ?? claim.seen,
      })
    }
    this.#bell.ring()
  }

  /** Until stopped, and then what is still in hand. */
  async run(stop: AbortSignal): Promise<void> {
    if (this.#to.archive === 'keep') return
    let sweepAt = 0
    while (!stop.aborted) {
      const due = performance.now() >= sweepAt
      const done = await this.#turn(due ? this.#leftBehindMs : null)
      if (due) sweepAt = performance.now() + this.#leftBehindMs
      await this.#bell.wait(done ? this.#leftBehindMs : RETRY_MS, stop)
    }
    await this.#turn(null)
  }

  /** Everything that is finished, whoever finished it. */
  async drain(): Promise<boolean> {
    return this.#to.archive === 'keep' || this.#turn(0)
  }

  // A folder that cannot be written to, a full disk or a lost database: the files stay where they
  // are, which is safe, and the next turn finds them in the database.
  async #turn(leftBehindMs: number | null): Promise<boolean> {
    try {
      while (this.#finished.length > 0) {
        await archiveFiles(this.#finished.splice(0, GROUP), this.#to)
      }
      if (leftBehindMs !== null) await this.#sweep(leftBehindMs)
      this.#report(null)
      return true
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === undefined && triage(error) === 'defect') throw error
      this.#report(`finished files cannot be moved away (${code}): ${message}`)
      this.#logger.warn(
        { code, error: message },
        'finished files cannot be moved away; their rows are safe, trying again',
      )
      this.#finished = []
      return false
    }
  }

  async #sweep(ageMs: number): Promise<void> {
    for (;;) {
      const files = await unarchived(this.#to.pool, ageMs, GROUP)
      await archiveFiles(files, this.#to)
      if (files.length < GROUP) return
    }
  }
}
