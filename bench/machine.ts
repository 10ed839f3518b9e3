import { execFile } from 'node:child_process'
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { ROOT } from './services.ts'

const run = promisify(execFile)

/** Where and with what an answer was found. */
export interface Circumstances {
  readonly machine: string
  readonly node: string
  readonly postgres: string
  readonly settings: Readonly<Record<string, string>>
  /** Of the code, short; a `+` where files differ from it. */
  readonly commit: string
  readonly date: string
  /** Of the last minute, at the start of the question. */
  readonly load: number
}

export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const cores = `${availableParallelism()} cores`
  const kernel = release().match(/^\d+\.\d+/)?.[0] ?? release()
  return `${cpus()[0]?.model ?? arch()}, ${cores}, ${memory}, ${type()} ${kernel}`
}

export function loadNow(): number {
  return Number(loadavg()[0]!.toFixed(2))
}

export async function commit(): Promise<string> {
  const git = (...args: string[]) => run('git', args, { cwd: ROOT })
  try {
    const { stdout: name } = await git('rev-parse', '--short', 'HEAD')
    const { stdout: changed } = await git('status', '--porcelain', '--', 'services', 'sql')
    return name.trim() + (changed === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}
