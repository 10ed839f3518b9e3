import { link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { MadeFile, MadeFolder } from './made.ts'

/** A DATA_DIR of one run's own. */
export interface DataDir {
  readonly path: string
  readonly input: string
  readonly temp: string
  remove(): Promise<void>
}

const LINKS_AT_A_TIME = 64

/** @param beside a path on the same mount */
export async function dataDir(beside: string): Promise<DataDir> {
  const path = await mkdtemp(join(dirname(beside), 'data-'))
  const [input, temp] = [join(path, 'input'), join(path, 'temp')]
  await Promise.all([mkdir(input), mkdir(temp)])
  return { path, input, temp, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Where all that the bench makes is, and is removed. */
export function newWorkDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'hot-folder-bench-'))
}

/** Puts a file, or all files of a folder, into another folder, by hard links: nothing is copied. */
export async function put(what: MadeFile | MadeFolder, into: string): Promise<void> {
  if (!('files' in what)) return link(what.path, join(into, basename(what.path)))
  const names = await readdir(what.path)
  const next = names.values()
  const worker = async () => {
    for (const name of next) await link(join(what.path, name), join(into, name))
  }
  await Promise.all(Array.from({ length: LINKS_AT_A_TIME }, worker))
}
