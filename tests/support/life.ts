import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openLogFile } from '../../services/local/log-file.ts'
import type { Exit, LogLine } from './process.ts'

export interface LifeOptions {
  /** `services/ingestor/main.ts` */
  entry: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  nodeArgs?: readonly string[]
  /** Where what it says is kept, at most twice 10 MiB. */
  logFile: string
  onLog?: (line: LogLine) => void
}

/** One process from its start to its end; keeps nothing of what it says in memory. */
export interface Life {
  readonly pid: number
  readonly startedAtMs: number
  /** Undefined while it lives. */
  readonly exit: Exit | undefined
  readonly ended: Promise<Exit>
  signal(name: NodeJS.Signals): void
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PRELOAD = new URL('../../services/local/end-with-parent.ts', import.meta.url).href
const living = new Set<Life>()

export function startLife(options: LifeOptions): Life {
  const { entry, args, env, nodeArgs = [], logFile, onLog } = options
  const child = spawn(process.execPath, [...nodeArgs, '--import', PRELOAD, ROOT + entry, ...args], {
    // A folder without a `.env`.
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // In a session of its own: Ctrl-C must reach us only, so that things stop in order.
    detached: true,
  })
  const log = openLogFile(logFile)
  let exit: Exit | undefined
  for (const output of [child.stdout!, child.stderr!]) {
    createInterface(output).on('line', line => {
      log.append(`${line}\n`)
      const parsed = parsedLine(line)
      if (parsed) onLog?.(parsed)
    })
  }
  const ended = new Promise<Exit>(resolve => {
    child.on('error', () => resolve({ code: null, signal: null }))
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const life: Life = {
    pid: child.pid!,
    startedAtMs: performance.now(),
    get exit() {
      return exit
    },
    ended: ended.then(how => {
      exit = how
      living.delete(life)
      return how
    }),
    signal: name => void child.kill(name),
  }
  living.add(life)
  return life
}

/** Whatever still runs, frozen or not, at once: after a breach nothing more is to change. */
export async function killAll(): Promise<void> {
  const lives = [...living]
  for (const life of lives) life.signal('SIGKILL')
  await Promise.all(lives.map(life => life.ended))
}

function parsedLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
