const EVERY_MS = 500

/**
 * Aborts when the process that started this one has gone. npm can be killed without a word to what
 * it runs, which then would go on unseen.
 */
export function whenOrphaned(): AbortSignal {
  const parent = process.ppid
  const orphaned = new AbortController()
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    orphaned.abort('orphaned')
  }, EVERY_MS)
  timer.unref()
  return orphaned.signal
}
