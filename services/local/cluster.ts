import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigurationError } from '../runtime/env.ts'
import type { Account } from './account.ts'
import { type Binaries, MAJOR_VERSION } from './binaries.ts'
import { isAlive } from './processes.ts'

const run = promisify(execFile)

/** What `initdb` made: the data of one server, and its superuser's password beside it. */
export interface Cluster {
  readonly data: string
  readonly logFile: string
  readonly user: string
  readonly password: string
}

/** Opens the cluster of a folder; makes it first where there is none. */
export async function openCluster(
  folder: string,
  user: string,
  binaries: Binaries,
  account: Account,
): Promise<Cluster> {
  await removeUnfinished(folder)
  const home = join(folder, 'cluster')
  await readFile(join(home, 'password')).catch(() => make(home, user, binaries, account))
  const data = join(home, 'data')
  await requireVersion(folder, data)
  const password = (await readFile(join(home, 'password'), 'utf8')).trim()
  return { data, logFile: join(home, 'server.log'), user, password }
}

// Made under another name and renamed when complete: what bears the name is always whole.
async function make(
  home: string,
  user: string,
  { bin }: Binaries,
  account: Account,
): Promise<void> {
  const unfinished = `${home}.${process.pid}`
  await mkdir(unfinished, { mode: 0o700 })
  const passwordFile = join(unfinished, 'password')
  await writeFile(passwordFile, `${randomBytes(12).toString('hex')}\n`, { mode: 0o600 })
  if (account.uid !== undefined) {
    await chown(unfinished, account.uid, account.gid)
    await chown(passwordFile, account.uid, account.gid)
  }
  const options = ['--no-sync', '--encoding=UTF8', '--locale=C', '--auth=scram-sha-256']
  const args = [...options, '-U', user, '--pwfile', passwordFile, '-D', join(unfinished, 'data')]
  await run(join(bin, 'initdb'), args, { ...account, cwd: '/', env: { LC_ALL: 'C' } })
  await rename(unfinished, home).catch(async error => {
    await rm(unfinished, { recursive: true, force: true })
    // Another starter was faster; its cluster is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error
  })
}

async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^cluster\.(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

async function requireVersion(folder: string, data: string): Promise<void> {
  const found = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => 'nothing')).trim()
  if (found === MAJOR_VERSION) return
  throw new ConfigurationError([
    `${basename(folder)}: expected the data of PostgreSQL ${MAJOR_VERSION}, found ${found}; move ${folder} away and start again`,
  ])
}
