import { lstat, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError } from '../runtime/env.ts'
import { makeFolder } from '../runtime/folder.ts'
import { isDraftName } from './names.ts'

export interface Folders {
  readonly tempDir: string
  readonly inputDir: string
}

/**
 * A generator writes to its draft many times a second and never waits with one open, so one that has
 * been still for this long has lost its writer. Age, because generators that share a folder may run
 * in containers or on machines that cannot see each other's processes; measured by the folder's own
 * clock. Should it be wrong (a writer frozen and woken), that writer finds its draft gone and fails;
 * nothing half written is ever published.
 */
export const ORPHAN_AGE_MS = 10 * 60_000

const PROBE = '.generator-probe-'

/**
 * Makes the folders where they are missing, and proves that a file can be made in `temp` and moved
 * to `input` by really doing it: equal device numbers prove nothing, since two bind mounts of one
 * filesystem share theirs and refuse the rename all the same.
 * @param runId keeps the probes of parallel generators apart
 * @throws ConfigurationError naming the folder and what is wrong with it
 */
export async function prepareFolders({ tempDir, inputDir }: Folders, runId: string): Promise<void> {
  const faults = [
    await writeFault('TEMP_DIR', tempDir, runId),
    await writeFault('INPUT_DIR', inputDir, runId),
  ].filter(fault => fault !== undefined)
  if (faults.length > 0) throw new ConfigurationError(faults)
  const from = join(tempDir, PROBE + runId)
  const to = join(inputDir, `${PROBE}${runId}-moved`)
  try {
    await makeProbe(from)
    await rename(from, to)
  } catch (error) {
    throw new ConfigurationError([
      `TEMP_DIR and INPUT_DIR: expected two folders on one mount, found that no file can be moved from ${tempDir} to ${inputDir} (${codeOf(error)})`,
    ])
  } finally {
    await rm(from, { force: true })
    await rm(to, { force: true })
  }
}

async function writeFault(name: string, dir: string, runId: string): Promise<string | undefined> {
  const probe = join(dir, PROBE + runId)
  try {
    makeFolder(dir)
    await makeProbe(probe)
    await rm(probe)
    return undefined
  } catch (error) {
    return `${name}: expected a folder that can be written to, found ${dir} (${codeOf(error)})`
  }
}

/** Removes the drafts and probes of generators that were killed. @returns the names removed */
export async function removeOrphans(folders: Folders, runId: string): Promise<string[]> {
  const now = await folderTime(folders.tempDir, runId)
  const removed = [
    ...(await removeOld(folders.tempDir, now, name => isDraftName(name) || name.startsWith(PROBE))),
    ...(await removeOld(folders.inputDir, now, name => name.startsWith(PROBE))),
  ]
  return removed
}

async function removeOld(
  dir: string,
  now: number,
  isOurs: (name: string) => boolean,
): Promise<string[]> {
  const removed: string[] = []
  for (const name of (await readdir(dir)).filter(isOurs)) {
    const path = join(dir, name)
    const found = await lstat(path).catch(() => undefined)
    if (!found?.isFile() || now - found.mtimeMs < ORPHAN_AGE_MS) continue
    await rm(path, { force: true })
    removed.push(name)
  }
  return removed
}

async function folderTime(dir: string, runId: string): Promise<number> {
  const probe = join(dir, PROBE + runId)
  await makeProbe(probe)
  const { mtimeMs } = await lstat(probe)
  await rm(probe, { force: true })
  return mtimeMs
}

// A link that somebody else made under that name would be written through.
function makeProbe(path: string): Promise<void> {
  return writeFile(path, '', { flag: 'wx' })
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}
