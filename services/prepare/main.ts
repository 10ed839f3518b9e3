import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../runtime/folder.ts'

/** Whom the containers run as. */
const CONTAINER_UID = 1000
const FOLDERS = ['temp', 'input', 'archive', 'refused']

/**
 * Makes a folder where it is missing, for the owner of the one around it, and lets the containers
 * use it too. Whoever owns it on the host may have any uid, and must still be able to drop files in
 * and to take away what a container wrote; so the folder is opened to all rather than given away. Where
 * Docker runs rootless that owner shows as 0 here, and the containers' uid is nobody on the host: the
 * same answer serves. Files are never touched, and links not followed: what is looked at and what is
 * changed is one open folder, whatever is done to its name meanwhile. This step is root.
 */
function prepare(path: string, around: Stats): string {
  const made = makeFolder(path)
  const folder = openFolder(path)
  try {
    if (made) fchownSync(folder, around.uid, around.gid)
    const found = fstatSync(folder)
    if (found.uid === CONTAINER_UID) return 'belongs to the containers’ own uid'
    if ((found.mode & 0o777) === 0o777 && !(found.mode & 0o1000)) return 'is open to all'
    fchmodSync(folder, 0o777)
    return `belongs to uid ${found.uid}: opened to all`
  } finally {
    closeSync(folder)
  }
}

function openFolder(path: string): number {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTDIR' && code !== 'ELOOP') throw error
    throw new Error('expected a folder, found something else')
  }
}

const dataDir = process.argv[2] ?? '/data'
const around = lstatSync(dataDir)
for (const name of FOLDERS) {
  try {
    console.log(`data/${name} ${prepare(join(dataDir, name), around)}`)
  } catch (error) {
    console.error(`error: data/${name} cannot be prepared: ${(error as Error).message}`)
    console.error(`       make it yourself: mkdir -p data/${name} && chmod 0777 data/${name}`)
    process.exitCode = 1
  }
}
