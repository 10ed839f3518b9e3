import { Presets, SingleBar } from 'cli-progress'
import { duration, grouped } from './paint.ts'

/** Work that is done sooner needs no bar. */
const SHOW_AFTER_MS = 2_000

export interface Progress {
  advance(by: number): void
  end(): void
}

/** A bar on standard error for what takes over two seconds; nothing where that is no terminal. */
export function progress(total: number, unit: string): Progress {
  if (!process.stderr.isTTY) return { advance: () => {}, end: () => {} }
  const bar = new SingleBar(
    {
      format: `{bar} {percentage} % | {value}/{total} ${unit} | {eta_formatted} left`,
      hideCursor: true,
      gracefulExit: false,
      clearOnComplete: true,
      // Of the first moments it says that the rest takes for ever.
      formatTime: seconds => (Number.isFinite(Number(seconds)) ? duration(Number(seconds)) : '?'),
      formatValue: (value, _, what) => (what === 'percentage' ? String(value) : grouped(value)),
    },
    Presets.shades_classic,
  )
  const startedAt = performance.now()
  let done = 0
  let shown = false
  return {
    advance(by) {
      done += by
      if (!shown && performance.now() - startedAt > SHOW_AFTER_MS) {
        bar.start(total, done)
        shown = true
      }
      if (shown) bar.update(Math.min(done, total))
    },
    end() {
      if (shown) bar.stop()
    },
  }
}
