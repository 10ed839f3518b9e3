import { createHash } from 'node:crypto'
import { chmod, chown, cp, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, canUse } from './account.ts'

/** Survives a restart of the machine, unlike /tmp, and everybody can reach it. */
const COMMON_GROUND = '/var/tmp'

/**
 * A folder that the account can write to and nobody else can read: the wanted one, or, where a
 * parent denies the account (a clone under /root), one of its own under /var/tmp.
 */
export async function reachableFolder(
  wanted: string,
  account: Account,
  say: (line: string) => void,
): Promise<string> {
  await ownFolder(wanted, account)
  if (await canUse(account, wanted, 'w')) return wanted
  const folder = `${await stand(wanted)}/data`
  say(`PostgreSQL's user cannot reach ${wanted}: its data goes to ${folder}`)
  await ownFolder(folder, account)
  return folder
}

/** A copy of the binaries that the account can run, made once. */
export async function reachableCopy(
  root: string,
  account: Account,
  say: (line: string) => void,
): Promise<string> {
  const copy = join(await stand(root), 'postgresql')
  if (await canUse(account, join(copy, 'bin', 'postgres'), 'x')) return copy
  say(`PostgreSQL's user cannot reach ${root}: copying the programs to ${copy}`)
  const unfinished = `${copy}.${process.pid}`
  await rm(unfinished, { recursive: true, force: true })
  await cp(root, unfinished, { recursive: true, verbatimSymlinks: true })
  await rename(unfinished, copy).catch(async error => {
    await rm(unfinished, { recursive: true, force: true })
    // Another starter was faster.
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error
  })
  return copy
}

/** The folder under /var/tmp that stands in for a path of this project. */
async function stand(path: string): Promise<string> {
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 12)
  const folder = join(COMMON_GROUND, `hot-folder-${hash}`)
  await mkdir(folder, { recursive: true })
  // Anybody may make a folder there: programs and data are taken only from one that is ours.
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${folder}: expected a folder of our own, found somebody else's; remove it`)
  }
  await chmod(folder, 0o755)
  return folder
}

async function ownFolder(folder: string, account: Account): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (account.uid !== undefined) await chown(folder, account.uid, account.gid)
  await chmod(folder, 0o700)
}
