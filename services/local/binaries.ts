import { execFile } from 'node:child_process'
import { readdir, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Account, canUse } from './account.ts'
import { embeddedRoot } from './embedded.ts'
import { reachableCopy } from './reachable.ts'

const run = promisify(execFile)

export const MAJOR_VERSION = '15'

export type Origin = 'embedded' | 'system'

/** A PostgreSQL 15 that the account can run. */
export interface Binaries {
  readonly origin: Origin
  /** The folder of `initdb`, `pg_ctl` and `postgres`. */
  readonly bin: string
}

/** @param preferred which one to take where both are there; `say` hears of a copy that was needed */
export async function findBinaries(
  preferred: Origin,
  account: Account,
  say: (line: string) => void,
): Promise<Binaries> {
  const search = { embedded: () => embedded(account, say), system: () => system(account) }
  const other = preferred === 'embedded' ? 'system' : 'embedded'
  const found = (await search[preferred]()) ?? (await search[other]())
  if (found) return found
  throw new Error(
    `no PostgreSQL ${MAJOR_VERSION} for ${process.platform}-${process.arch}: install it (Debian: apt-get install postgresql-15), or run npm ci again without --omit=optional`,
  )
}

async function embedded(
  account: Account,
  say: (line: string) => void,
): Promise<Binaries | undefined> {
  const root = await embeddedRoot()
  if (root === undefined) return undefined
  const usable = await canUse(account, join(root, 'bin', 'postgres'), 'x')
  const home = usable ? root : await reachableCopy(root, account, say)
  return { origin: 'embedded', bin: join(home, 'bin') }
}

async function system(account: Account): Promise<Binaries | undefined> {
  for (const bin of await systemFolders()) {
    if ((await isComplete(bin, account)) && (await isRightVersion(bin))) {
      return { origin: 'system', bin }
    }
  }
  return undefined
}

async function systemFolders(): Promise<string[]> {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  // A `pg_ctl` on the PATH may be a link from a folder that has no `initdb` beside it.
  const real = onPath.map(folder => realpath(join(folder, 'pg_ctl')).then(dirname, () => undefined))
  const found = (await Promise.all(real)).filter(folder => folder !== undefined)
  return [...new Set([`/usr/lib/postgresql/${MAJOR_VERSION}/bin`, ...found])]
}

async function isComplete(bin: string, account: Account): Promise<boolean> {
  const names = await readdir(bin).catch(() => [] as string[])
  return (
    ['initdb', 'pg_ctl', 'postgres'].every(name => names.includes(name)) &&
    (await canUse(account, join(bin, 'postgres'), 'x'))
  )
}

async function isRightVersion(bin: string): Promise<boolean> {
  const { stdout } = await run(join(bin, 'pg_ctl'), ['--version']).catch(() => ({ stdout: '' }))
  return stdout.includes(`(PostgreSQL) ${MAJOR_VERSION}.`)
}
