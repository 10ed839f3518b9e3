import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The operating system's user that PostgreSQL runs as; empty where that is whoever started us. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>

/** PostgreSQL refuses to run as root and wants a user with a passwd entry: for root, another one. */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  return (await accountOf('postgres')) ?? (await accountOf('nobody')) ?? nobodyFound()
}

/** Whether the account can use a path: run it, where `right` is x on a file, or work inside it. */
export async function canUse(account: Account, path: string, right: 'r' | 'w' | 'x') {
  // The kernel is asked, not the mode bits: there are ACLs, read-only mounts and `noexec`.
  const test = `test -${right} "$1" && { test ! -d "$1" || cd "$1"; }`
  try {
    await run('/bin/sh', ['-c', test, 'sh', path], { ...account, cwd: '/' })
    return true
  } catch {
    return false
  }
}

async function accountOf(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

function nobodyFound(): never {
  throw new Error(
    'PostgreSQL cannot run as root, and there is no user postgres or nobody to run it as',
  )
}
