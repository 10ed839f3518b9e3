import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Each in a folder of its own, so that a container can be given one of them and no other. */
const ROLES = ['owner', 'writer', 'reader'] as const

/**
 * Sees to it that a role has a password in its folder: the one that is wished for, else the one that is
 * there, else a new one. Readable by all who see the folder, since they run as several users; who sees
 * it is for Docker's mounts to say. Renamed into place: whoever reads it finds all of it.
 */
function prepare(file: string, wished: string | undefined): string {
  const found = read(file)
  if (found !== '' && (wished === undefined || wished === found)) return 'as before'
  const unfinished = `${file}.${process.pid}`
  writeFileSync(unfinished, `${wished ?? randomBytes(24).toString('base64url')}\n`, { mode: 0o444 })
  renameSync(unfinished, file)
  return wished === undefined ? 'made up' : 'as POSTGRES_PASSWORD says'
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

const root = process.argv[2] ?? '/secrets'
for (const role of ROLES) {
  const wished = role === 'owner' ? process.env.POSTGRES_PASSWORD || undefined : undefined
  try {
    console.log(`password of the ${role}: ${prepare(join(root, role, 'password'), wished)}`)
  } catch (error) {
    console.error(`error: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
