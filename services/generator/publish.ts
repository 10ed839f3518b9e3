import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Folders } from './folders.ts'
import { draftName } from './names.ts'

/** A file on its way: written in `temp`, seen in `input` once it is whole and on the disk. */
export interface Draft {
  readonly name: string
  readonly path: string
  readonly target: string
  readonly file: FileHandle
  bytes: number
}

/** The name is taken: by an earlier run with the same seed and start time, as good as always. */
export class NameTaken extends Error {
  readonly code = 'NAME_TAKEN'
}

/** @throws NameTaken where the file or its draft is already there: nothing is ever written over */
export async function openDraft({ tempDir, inputDir }: Folders, name: string): Promise<Draft> {
  const path = join(tempDir, draftName(name))
  const target = join(inputDir, name)
  try {
    const file = await open(path, 'wx')
    return { name, path, target, file, bytes: 0 }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new NameTaken(`${path} is already there: in work elsewhere, or left by a killed run`)
    }
    throw error
  }
}

/** Waits until the bytes are taken, so that memory stays the same whatever the size of the file. */
export async function append(draft: Draft, bytes: Buffer): Promise<void> {
  await draft.file.appendFile(bytes)
  draft.bytes += bytes.length
}

/**
 * Makes the file safe on disk, then visible. Rename would silently replace, and link-then-unlink
 * fails on the shared folders of Docker Desktop; looking first is enough, since whoever holds the
 * draft of a name is alone in publishing it.
 * @param beforeVisible what else must be on the disk by then
 */
export async function publish(draft: Draft, beforeVisible: () => Promise<void>): Promise<void> {
  await draft.file.sync()
  await draft.file.close()
  await beforeVisible()
  if (await exists(draft.target)) throw new NameTaken(`${draft.target} is already there`)
  await rename(draft.path, draft.target)
}

/** Leaves nothing of a file that will not be finished. */
export async function discard(draft: Draft): Promise<void> {
  await draft.file.close().catch(() => undefined)
  await rm(draft.path, { force: true })
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    error => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
