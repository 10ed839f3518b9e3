import { randomUUID } from 'node:crypto'
import { unlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { watch } from 'chokidar'

const LONGEST_MS = 3_000

/**
 * Makes a file in the folder, under a name that nobody ingests, and waits for the event, with the
 * watcher that ingestors use.
 */
export async function hearsEvents(
  folder: string,
): Promise<{ heardAfterMs: number | null; error: string | null }> {
  const probe = join(folder, `.doctor-${randomUUID()}`)
  const watcher = watch(folder, { depth: 0, ignoreInitial: true, followSymlinks: false })
  const { promise, resolve } = Promise.withResolvers<{ error: string | null; heard: boolean }>()
  const timer = setTimeout(() => resolve({ heard: false, error: null }), LONGEST_MS)
  watcher.on('error', error => resolve({ heard: false, error: (error as Error).message }))
  let madeAt = 0
  watcher.on('ready', async () => {
    madeAt = performance.now()
    await writeFile(probe, '', { flag: 'wx' }).catch(error =>
      resolve({ heard: false, error: error.message }),
    )
  })
  watcher.on('add', path => {
    if (basename(path) === basename(probe)) resolve({ heard: true, error: null })
  })
  try {
    const { heard, error } = await promise
    return { heardAfterMs: heard ? Math.round(performance.now() - madeAt) : null, error }
  } finally {
    clearTimeout(timer)
    await unlink(probe).catch(() => {})
    await watcher.close()
  }
}
