import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export interface Ended {
  readonly stdout: string
  readonly stderr: string
  /** From before the start of the process to its end. */
  readonly seconds: number
  readonly memoryMb: number
}

/** What a running child has said so far, and its memory. */
export interface Child {
  readonly process: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** The most memory it has had resident up to now or, once it has ended, ever: within 10 ms. */
  readonly memoryMb: () => number
  readonly hasEnded: () => boolean
  /** Settles when the process has ended and all that it said has been read. */
  readonly closed: Promise<unknown>
}

/** VmHWM only grows, so that the last look before the end is all that matters. */
const LOOK_MS = 10

/** Sees PATH and HOME and what it is given, and is killed where the bench is stopped. */
export function startChild(
  command: string,
  args: readonly string[],
  { env, signal }: ChildOptions,
): Child {
  signal.throwIfAborted()
  const options: SpawnOptions = {
    // A folder without a `.env`.
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  }
  const child = spawn(command, [...args], options)
  const closed = once(child, 'close')
  closed.catch(() => undefined)
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', text => {
      said[name] += text
    })
  }
  let memoryMb = 0
  const look = () => {
    memoryMb = Math.max(memoryMb, highWaterMb(child.pid))
  }
  const looking = setInterval(look, LOOK_MS)
  child.once('close', () => clearInterval(looking)).once('error', () => clearInterval(looking))
  return {
    process: child,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    memoryMb: () => {
      look()
      return memoryMb
    },
    closed,
  }
}

/**
 * Runs a command to its end, and times it.
 * @throws Error with the end of what it said where it does not exit with 0
 */
export async function timed(
  command: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<Ended> {
  const startedMs = performance.now()
  const child = startChild(command, args, options)
  const [code] = await once(child.process, 'exit')
  const seconds = (performance.now() - startedMs) / 1000
  await child.closed
  const [stdout, stderr] = [child.stdout(), child.stderr()]
  if (code !== 0) {
    throw new Error(`${command} ended with ${code}:\n${`${stdout}\n${stderr}`.slice(-3000)}`)
  }
  return { stdout, stderr, seconds, memoryMb: child.memoryMb() }
}

/** 0 where there is no such process, or no /proc. */
function highWaterMb(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return (Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024) / 1e6
  } catch {
    return 0
  }
}
