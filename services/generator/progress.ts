import { Presets, SingleBar } from 'cli-progress'
import type { Logger } from '../runtime/logger.ts'
import type { Summary } from './summary.ts'

/** Told how far a run has come; shows it as suits who is looking. */
export interface Progress {
  /** @param rowsInWork rows of the file that is being written, `share` of it 0 to 1 */
  advanced(summary: Summary, rowsInWork: number, share: number): void
  published(summary: Summary, file: { name: string; rows: number; bytes: number }): void
  end(): void
}

const LOG_EVERY_MS = 1000

/** Log lines, one a second at most: a run may publish thousands of files in that time. */
export function loggedProgress(logger: Logger): Progress {
  let loggedMs = Number.NEGATIVE_INFINITY
  return {
    advanced: () => undefined,
    published({ files, rows }, { name, rows: fileRows, bytes }) {
      const nowMs = performance.now()
      const due = nowMs - loggedMs >= LOG_EVERY_MS
      if (due) loggedMs = nowMs
      const fields = { file: name, rows: fileRows, bytes, filesSoFar: files, rowsSoFar: rows }
      logger[due ? 'info' : 'debug'](fields, 'published')
    },
    end: () => undefined,
  }
}

/** A bar on standard error, which must be a terminal. No colours. */
export function barProgress(files: number): Progress {
  const bar = new SingleBar(
    {
      format: '{bar} {percentage} % | {done}/{total} files | {rows} rows | {duration_formatted}',
      hideCursor: true,
      // Stopping at a signal is the run's own business.
      gracefulExit: false,
    },
    Presets.shades_classic,
  )
  bar.start(files, 0, { done: 0, rows: 0 })
  return {
    advanced: (summary, rowsInWork, share) =>
      bar.update(summary.files + share, {
        done: summary.files,
        rows: summary.rows + rowsInWork,
      }),
    published: ({ files: done, rows }) => bar.update(done, { done, rows }),
    end: () => bar.stop(),
  }
}
