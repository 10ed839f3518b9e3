import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MadeFolder } from './made.ts'

/** One file of a steady flow. */
export interface Step {
  readonly path: string
  readonly lines: readonly string[]
  /** `event_id` of its last row: visible when all of the file is. */
  readonly lastId: string
}

export async function stepsOf({ path }: MadeFolder): Promise<Step[]> {
  const names = (await readdir(path)).sort()
  return Promise.all(
    names.map(async name => {
      const text = await readFile(join(path, name), 'utf8')
      const lines = text.trimEnd().split('\n').slice(1)
      return { path: join(path, name), lines, lastId: lines.at(-1)!.slice(0, 36) }
    }),
  )
}
