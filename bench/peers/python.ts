import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { firstLine } from '../programs.ts'

/** The one of the peers' virtual environment, else the system's. */
export function pythonOf(peersDir: string): string {
  const own = join(peersDir, 'bin', 'python')
  return existsSync(own) ? own : 'python3'
}

/** `name version` of each package; undefined where one is missing. */
export function packageVersions(
  peersDir: string,
  packages: readonly string[],
): Promise<string | undefined> {
  // Looked up, not imported: an import may take seconds.
  const script = `import sys, importlib.metadata as m
print(', '.join(f'{name} {m.version(name)}' for name in sys.argv[1:]))`
  return firstLine(pythonOf(peersDir), ['-c', script, ...packages])
}
