import { lstatSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { judgeFileName } from '../contract/dialect.ts'
import { noticeGrowth } from './growth.ts'
import { type HeldFolder, inFolder } from './held-folder.ts'
import { storedName, unescapeName } from './names.ts'
import { type Seen, same } from './read.ts'
import { type Known, latestGenerations, type NewFile, type Registry, register } from './register.ts'

export interface Discovery extends Registry {
  inputDir: string
}

export interface Found {
  /** Names that were looked at, and files that were registered. */
  listed: number
  found: number
  /** Names whose newest generation is not finished with. */
  inWork: number
}

/** Names that are looked at together: the memory that a folder takes, whatever it holds. */
const SLICE_NAMES = 2_000

/** Lists the folder and registers what is new. The listing is the truth; a watcher only says when. */
export async function sweep(discovery: Discovery): Promise<Found> {
  discovery.clock.set()
  const sum: Found = { listed: 0, found: 0, inWork: 0 }
  await inFolder(discovery.inputDir, async folder => {
    for await (const names of slicesOf(folder.held)) {
      const { listed, found, inWork } = await registerNames(names, discovery)
      sum.listed += listed
      sum.found += found
      sum.inWork += inWork
    }
  })
  if (sum.inWork > 0) await noticeGrowth(null, discovery)
  return sum
}

async function* slicesOf(folder: string): AsyncGenerator<Buffer[]> {
  const options = { encoding: 'buffer', bufferSize: SLICE_NAMES } as never
  let slice: Buffer[] = []
  for await (const { name } of await opendir(folder, options)) {
    slice.push(name as unknown as Buffer)
    if (slice.length < SLICE_NAMES) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

/** Files that are written to right now are looked at again this soon, not sooner. */
const GROWING_LOOK_MS = 100

/** Names of which the watcher says that something happened: new files, or more of one that grows. */
export async function lookAtNames(names: readonly string[], discovery: Discovery): Promise<Found> {
  const known = await registerUnknown(names, discovery)
  const listing = known.map(name => Buffer.from(name))
  const { found: again, inWork } = await registerNames(listing, discovery)
  const listed = names.length
  const found = names.length - known.length + again
  if (inWork === 0) return { listed, found, inWork }
  await noticeGrowth(names, discovery)
  const { rowCount } = await discovery.pool.query(
    `update ingest_files set due_at = clock_timestamp() + $2 * interval '1 ms'
      where file_name = any($1::text[]) and status = 'pending' and message is null
        and due_at > clock_timestamp() + $2 * interval '1 ms'`,
    [names, GROWING_LOOK_MS],
  )
  return { listed, found: found + rowCount!, inWork }
}

/**
 * Registers files of names that were never seen, which is what most events are of, by one statement.
 * A name that nobody has registered is one that nobody has archived: the look may come first.
 * @returns the other names
 */
async function registerUnknown(
  names: readonly string[],
  discovery: Discovery,
): Promise<readonly string[]> {
  if (names.length === 0) return names
  const files = await inFolder(discovery.inputDir, async folder =>
    names.flatMap(name => {
      if (judgeFileName(name) !== 'accepted') return []
      const seen = lookAt(name, false, folder)
      return seen?.regular ? [{ name, generation: 1, seen, fault: null }] : []
    }),
  )
  const registered = new Set(await register(files, discovery, 'unknown'))
  return names.filter(name => !registered.has(name))
}

/** Registers those of the named files that are new, as `pending` or `refused`. */
export async function registerNames(
  listing: readonly Buffer[],
  discovery: Discovery,
): Promise<Found> {
  const entries = listing.map(storedName).filter(({ verdict }) => verdict !== 'unfinished')
  if (entries.length === 0) return { listed: 0, found: 0, inWork: 0 }
  const bad = new Set(entries.filter(({ verdict }) => verdict === 'bad').map(({ name }) => name))
  const latest = await latestGenerations(
    entries.map(({ name }) => name),
    discovery.pool,
  )
  // The folder is looked at after the database: a file that was archived since is gone by now, so a
  // stale listing cannot bring it back as a new generation.
  const found: NewFile[] = []
  await inFolder(discovery.inputDir, async folder => {
    for (const { name, generation, known } of latest) {
      const seen = lookAt(name, bad.has(name), folder)
      if (!seen || (known && !isNew(known, seen))) continue
      const fault = seen.regular ? (bad.has(name) ? BAD_NAME : null) : NOT_REGULAR
      found.push({ name, generation: generation + 1, seen, fault })
    }
  })
  const inWork = entries.length - latest.length
  const registered = await register(found, discovery)
  return { listed: entries.length, found: registered.length, inWork }
}

export const BAD_NAME = {
  reason: 'bad_name',
  message:
    'expected a printable UTF-8 name of at most 200 bytes ending in .csv; rename it and drop it again',
} as const
const NOT_REGULAR = {
  reason: 'not_regular_file',
  message: 'expected a regular file, found a folder, a link or a device; it is left alone',
} as const

// What was moved out of the folder and is there again was dropped again, even if it is the same
// file; what never left is new only if it looks different, and a folder does at every file in it.
function isNew(known: Known, seen: Seen & { regular: boolean }): boolean {
  if (known.reason === 'not_regular_file' && !seen.regular) return false
  return known.archived || known.status === 'missing' || !same(known, seen)
}

function lookAt(
  name: string,
  bad: boolean,
  folder: HeldFolder,
): (Seen & { regular: boolean }) | null {
  const path = bad ? folder.atBytes(unescapeName(name)) : folder.at(name)
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (!stat) return null
  return {
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    inode: stat.ino,
    regular: stat.isFile(),
  }
}
