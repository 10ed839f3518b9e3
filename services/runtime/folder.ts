import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it that are missing. Node's own `recursive` goes round for ever where
 * a folder is there in which none can be made (`/proc`: the answer is ENOENT, as for a missing parent).
 * @returns whether it was missing
 * @throws what the system says: EACCES, EROFS, ENOTDIR, ENOENT
 */
export function makeFolder(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') {
      if (!statSync(path).isDirectory()) throw error
      return false
    }
    const above = dirname(path)
    if (code !== 'ENOENT' || above === path || existsSync(above)) throw error
    makeFolder(above)
    return makeFolder(path)
  }
}
