import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atTestEnd } from './cleanup.ts'

/** A DATA_DIR of the test's own, all four folders on one mount. */
export interface Folders {
  readonly root: string
  readonly temp: string
  readonly input: string
  readonly archive: string
  readonly refused: string
  /** What a service's process needs to use them. */
  readonly env: Record<string, string>
  /** Writes a whole file into `input` in place, as `cp` would. @returns its path */
  drop(name: string, content: string | Uint8Array): Promise<string>
}

/** Made anew, and removed at the end of the test. */
export async function freshFolders(): Promise<Folders> {
  const root = await mkdtemp(join(tmpdir(), 'hot-folder-data-'))
  // `npm start` under root gives its PostgreSQL another user, who must be able to get in.
  await chmod(root, 0o755)
  const at = (name: string) => join(root, name)
  for (const name of ['temp', 'input', 'archive', 'refused']) await mkdir(at(name))
  atTestEnd(() => rm(root, { recursive: true, force: true, maxRetries: 5 }))
  return {
    root,
    temp: at('temp'),
    input: at('input'),
    archive: at('archive'),
    refused: at('refused'),
    env: { DATA_DIR: root },
    async drop(name, content) {
      const path = join(at('input'), name)
      await writeFile(path, content)
      return path
    },
  }
}
