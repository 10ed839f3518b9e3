import { chmod, chown, cp, lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atTestEnd } from '../support/cleanup.ts'
import { execute } from './docker.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * The project as a fresh clone would have it, uncommitted changes included, in a folder of its own
 * that belongs to `uid`. Removed at the end.
 */
export async function cloneProject(uid = process.getuid!()): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hot-folder-clone-'))
  atTestEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  await chmod(folder, 0o755)
  const listed = await execute(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '-z'],
    { cwd: ROOT },
  )
  const made = new Set([folder])
  for (const name of listed.split('\0').filter(wanted)) {
    if (!(await exists(join(ROOT, name)))) continue
    await makeFolders(dirname(join(folder, name)), made)
    await cp(join(ROOT, name), join(folder, name))
    made.add(join(folder, name))
  }
  for (const path of made) await chown(path, uid, uid === process.getuid!() ? -1 : uid)
  return folder
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

const wanted = (name: string): boolean => name !== '' && !/^(tests|bench|docs)\//.test(name)

async function makeFolders(folder: string, made: Set<string>): Promise<void> {
  if (made.has(folder)) return
  await makeFolders(dirname(folder), made)
  await mkdir(folder)
  made.add(folder)
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
