import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { atTestEnd } from './cleanup.ts'
import { until } from './until.ts'

/** One line of a service's log; `level` is pino's name for it. */
export type LogLine = { level?: string; msg?: string; [field: string]: unknown }

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunningService {
  readonly pid: number
  /** Every log line so far. A line that is not JSON is `{ msg: the line }`. */
  readonly log: readonly LogLine[]
  /** All of standard output and standard error so far. */
  stdout(): string
  stderr(): string
  /** The first log line, from the start of the process, that matches: a text is part of `msg`. */
  waitForLog(match: string | ((line: LogLine) => boolean), deadlineMs?: number): Promise<LogLine>
  signal(name: NodeJS.Signals): void
  /** How it ended, if it has. */
  readonly ended: Exit | undefined
  /** Waits for the end of the process and of its output. */
  exit(deadlineMs?: number): Promise<Exit>
  /** Sends the signal and waits for the end. */
  stop(name?: NodeJS.Signals, deadlineMs?: number): Promise<Exit>
}

export interface ServiceOptions {
  args?: readonly string[]
  /** Everything the service sees, but for PATH and HOME: nothing of the tests' own environment. */
  env?: Readonly<Record<string, string>>
  /** Where it runs; by default a folder without a `.env`. */
  cwd?: string
  /** Options of node itself. */
  nodeArgs?: readonly string[]
  /** A command that runs node in its turn, and the arguments before it: `setpriv`, `prlimit`. */
  under?: readonly string[]
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Half of the time that a service needs to start is compiling what was compiled before. */
const COMPILED = `${ROOT}node_modules/.cache/compiled`
const PRELOAD = new URL('../../services/local/end-with-parent.ts', import.meta.url).href

/**
 * Starts a real service, `services/ingestor/main.ts` for example. It is killed when the test ends, if
 * it has not ended before, and when the test runner is killed.
 */
export function startService(entry: string, options: ServiceOptions = {}): RunningService {
  const node = [process.execPath, ...(options.nodeArgs ?? []), '--import', PRELOAD]
  const [command, ...args] = [...(options.under ?? []), ...node, `${ROOT}${entry}`]
  const child = spawn(command!, [...args, ...(options.args ?? [])], {
    cwd: options.cwd ?? tmpdir(),
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: COMPILED },
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log: LogLine[] = []
  let stdout = ''
  let stderr = ''
  let ended: Exit | undefined
  child.stdout!.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr!.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  createInterface(child.stderr!).on('line', line => log.push(parsed(line)))
  child.on('error', error => {
    stderr += error.message
    ended = { code: null, signal: null }
  })
  child.on('close', (code, signal) => {
    ended = { code, signal }
  })
  const describe = () => `${entry} ${(options.args ?? []).join(' ')}\n${stderr.slice(-4000)}`
  const service: RunningService = {
    pid: child.pid!,
    log,
    get ended() {
      return ended
    },
    stdout: () => stdout,
    stderr: () => stderr,
    waitForLog: (match, deadlineMs) => {
      const matches =
        typeof match === 'string' ? (line: LogLine) => line.msg?.includes(match) === true : match
      return until(
        `a log line (${match})`,
        () => {
          const line = log.find(matches)
          if (!line && ended) throw new Error(`ended without logging (${match}): ${describe()}`)
          return line
        },
        deadlineMs,
      )
    },
    signal: name => void child.kill(name),
    exit: deadlineMs =>
      until('the end', () => ended, deadlineMs).catch(({ message }) => {
        throw new Error(`${message}; ${describe()}\n${stdout.slice(-4000)}`)
      }),
    stop: (name = 'SIGTERM', deadlineMs) => {
      child.kill(name)
      return service.exit(deadlineMs)
    },
  }
  atTestEnd(async () => {
    if (ended) return
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  return service
}

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line)
  } catch {
    return { msg: line }
  }
}
