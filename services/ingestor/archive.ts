import { linkSync, lstatSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import type { Pool } from '../runtime/database.ts'
import type { ArchiveMode } from './config.ts'
import type { Failpoint } from './failpoint.ts'
import { HeldFolder, isName } from './held-folder.ts'
import { numbered, unescapeName } from './names.ts'
import { type Seen, same } from './read.ts'
import { laps, type Spent } from './spent.ts'

/** A file that nothing is to be read from any more. */
export interface Finished {
  fileId: number
  fileName: string
  generation: number
  status: 'done' | 'refused'
  badName: boolean
  seen: Seen
}

export interface Archiving {
  pool: Pool
  inputDir: string
  archiveDir: string
  refusedDir: string
  archive: ArchiveMode
  failpoint: (point: Failpoint) => void
  spent?: Spent
}

/**
 * Moves finished files out of the input folder and marks them, each step repeatable: a crash at any
 * point leaves a file that the next call finishes with. Nothing is overwritten, and a file that took
 * the name meanwhile is never touched: it is the next generation. A file that cannot be moved does not
 * hold up the others.
 * @throws what the first of those met, once the others are moved and marked
 */
export async function archiveFiles(files: readonly Finished[], to: Archiving): Promise<void> {
  if (files.length === 0) return
  to.failpoint('before-archive')
  const lap = laps(to.spent ?? (() => {}))
  const archived: { fileId: number; as: string | null }[] = []
  const failures: unknown[] = []
  const folders = hold(to)
  const all = Object.values(folders)
  try {
    for (const file of files) {
      try {
        archived.push({ fileId: file.fileId, as: moveAway(file, folders, to) })
      } catch (error) {
        failures.push(all.reduce((told, folder) => folder.named(told), error))
      }
    }
    const left = new Set([folders.input, ...files.map(file => folderFor(file, folders))])
    await Promise.all([...left].map(folder => folder.sync()))
  } finally {
    for (const folder of all) folder.close()
  }
  to.failpoint('after-archive-rename')
  await to.pool.query({
    name: 'archived',
    text: `update ingest_files f set archived_at = clock_timestamp(), archived_as = a.name
       from unnest($1::bigint[], $2::text[]) as a (file_id, name)
      where f.file_id = a.file_id`,
    values: [archived.map(({ fileId }) => fileId), archived.map(({ as }) => as)],
  })
  lap('archive')
  if (failures.length > 0) throw failures[0]
}

/** Files that a crash left between their last commit and their move. */
export async function unarchived(pool: Pool, ageMs: number, limit: number): Promise<Finished[]> {
  const { rows } = await pool.query(
    `select file_id, file_name, generation, status, reason, size_bytes, mtime_ns::text, inode::text
       from ingest_files
      where status in ('done', 'refused') and archived_at is null
        and reason is distinct from 'not_regular_file'
        and finished_at <= clock_timestamp() - $1 * interval '1 ms'
      order by file_id limit $2`,
    [ageMs, limit],
  )
  return rows.map(row => ({
    fileId: row.file_id,
    fileName: row.file_name,
    generation: row.generation,
    status: row.status,
    badName: row.reason === 'bad_name',
    seen: { sizeBytes: row.size_bytes, mtimeNs: BigInt(row.mtime_ns), inode: BigInt(row.inode) },
  }))
}

interface Folders {
  input: HeldFolder
  archive: HeldFolder
  refused: HeldFolder
}

// All that is moved in one go stays within these three, whatever is done to their paths meanwhile.
function hold({ inputDir, archiveDir, refusedDir }: Archiving): Folders {
  const held: HeldFolder[] = []
  try {
    for (const path of [inputDir, archiveDir, refusedDir]) held.push(new HeldFolder(path))
  } catch (error) {
    for (const folder of held) folder.close()
    throw error
  }
  const [input, archive, refused] = held as [HeldFolder, HeldFolder, HeldFolder]
  return { input, archive, refused }
}

/** @returns the name it has now, or null where the file is in the folder no more */
function moveAway(file: Finished, folders: Folders, to: Archiving): string | null {
  const rawName = file.badName ? unescapeName(file.fileName) : Buffer.from(file.fileName)
  // Somebody wrote it into the checkpoint: no listing did.
  if (!isName(rawName.toString('latin1'))) return null
  const source = folders.input.atBytes(rawName)
  const folder = folderFor(file, folders)
  const there = lookAt(source)
  if (!there || !same(there, file.seen)) return alreadyMoved(file, folder)
  const name = nameIn(folder, file)
  const target = folder.at(name)
  to.failpoint('archive-name-reserved')
  try {
    renameSync(source, target)
  } catch (error) {
    if (isReservedFor(file, target)) unlinkSync(target)
    // Another ingestor was faster, with a file that a third one left behind.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return alreadyMoved(file, folder)
    throw error
  }
  // Between the look and the move another file may have taken the name. It belongs in the folder.
  const moved = lookAt(target)
  if (moved && !same(moved, file.seen)) {
    putBack(target, file, folders.input)
    return null
  }
  if (to.archive !== 'delete' || file.status !== 'done') return name
  unlinkSync(target)
  return null
}

// A crash may have come between the move and its mark.
function alreadyMoved(file: Finished, folder: HeldFolder): string | null {
  for (let number = file.generation; ; number++) {
    const name = numbered(file.fileName, number)
    const there = lookAt(folder.at(name))
    if (!there) return null
    if (same(there, file.seen)) return name
  }
}

function folderFor({ status }: Finished, { archive, refused }: Folders): HeldFolder {
  return status === 'done' ? archive : refused
}

/** A name that a later generation of another file may be after: `a.2.csv`. */
const NUMBERED = /\.\d+(\.csv)?$/i

/**
 * A name that is free. A file's own name is wanted by its first generation alone, so that a look is
 * enough; a reservation costs as much as the move itself.
 */
function nameIn(folder: HeldFolder, file: Finished): string {
  for (let number = file.generation; ; number++) {
    const name = numbered(file.fileName, number)
    const path = folder.at(name)
    if (NUMBERED.test(name) ? reserve(path, file) : !lookAt(path) || isReservedFor(file, path))
      return name
  }
}

// A rename overwrites, and an ingestor beside this one may be after the same name (the second
// generation of a.csv and the first of a.2.csv): a link to nowhere that names the file keeps it. It
// is made in one step, and whoever comes after a crash sees for whom; an empty file would stay.
function reserve(path: string, file: Finished): boolean {
  try {
    symlinkSync(reservation(file), path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A full disk has no room for a reservation, but a rename needs none.
    if ((code === 'ENOSPC' || code === 'EDQUOT') && !lookAt(path)) return true
    if (code !== 'EEXIST' && code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    return isReservedFor(file, path)
  }
}

function isReservedFor(file: Finished, path: string): boolean {
  try {
    return readlinkSync(path) === reservation(file)
  } catch {
    return false
  }
}

function reservation({ fileId }: Finished): string {
  return `reserved for file_id ${fileId}`
}

function putBack(target: string, file: Finished, input: HeldFolder): void {
  for (let number = 1; ; number++) {
    try {
      linkSync(target, input.at(numbered(file.fileName, number)))
      unlinkSync(target)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

function lookAt(path: string | Buffer): Seen | null {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stat ? { inode: stat.ino, sizeBytes: Number(stat.size), mtimeNs: stat.mtimeNs } : null
}
