import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The one of the peers' virtual environment, else the system's. */
export function pythonOf(peersDir: string): string {
  const own = join(peersDir, 'bin', 'python')
  return existsSync(own) ? own : 'python3'
}

export async function hasModules(peersDir: string, modules: readonly string[]): Promise<boolean> {
  // Found, not imported: an import may take seconds.
  const script = `import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, sys.argv[1:])))`
  return run(pythonOf(peersDir), ['-c', script, ...modules]).then(
    () => true,
    () => false,
  )
}
