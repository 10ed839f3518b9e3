import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../runtime/env.ts'
import { openLogFile } from './log-file.ts'
import { relay } from './relay.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000
/** A service that ran this long starts again without delay. */
const STEADY_MS = 30_000

export interface ServiceOptions {
  name: string
  args: readonly string[]
  env: Environment
  logFile: string
  /** How long it may take to end in order. */
  graceMs: number
  /** Hears of its warnings, and of its end where nobody asked for it. */
  warn: (line: string) => void
}

export interface Service {
  stop(): Promise<void>
}

const PRELOAD = new URL('./end-with-parent.ts', import.meta.url).href

/** Runs `services/<name>/main.ts` as a process of its own, again and again until it is stopped. */
export function keepRunning(options: ServiceOptions): Service {
  const { name, warn } = options
  const stopping = new AbortController()
  let child: ChildProcess | undefined
  // The very last resort, where this process ends at once.
  const killChild = () => void child?.kill('SIGKILL')
  process.on('exit', killChild)

  const runAgainAndAgain = async () => {
    let pauseMs = FIRST_PAUSE_MS
    while (!stopping.signal.aborted) {
      const startedAt = performance.now()
      child = start(options)
      const output = relay(
        [child.stdout!, child.stderr!],
        openLogFile(options.logFile).append,
        line => warn(`${name}: ${line}`),
      )
      const [code, signal] = await ended(child)
      if (stopping.signal.aborted) return
      if (performance.now() - startedAt > STEADY_MS) pauseMs = FIRST_PAUSE_MS
      const how = signal ?? `exit code ${code}`
      warn(`${name} ended (${how}); it starts again in ${pauseMs / 1000} s  ${output.lastWords()}`)
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }

  const finished = runAgainAndAgain()
  return {
    async stop() {
      stopping.abort()
      child?.kill('SIGTERM')
      const impatience = setTimeout(killChild, options.graceMs)
      await finished
      clearTimeout(impatience)
      process.off('exit', killChild)
    },
  }
}

function start({ name, args, env }: ServiceOptions): ChildProcess {
  const entry = fileURLToPath(new URL(`../${name}/main.ts`, import.meta.url))
  return spawn(process.execPath, ['--import', PRELOAD, entry, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // In a session of its own: Ctrl-C must reach us only, so that things stop in order.
    detached: true,
  })
}

async function ended(child: ChildProcess): Promise<unknown[]> {
  try {
    return await once(child, 'close')
  } catch (error) {
    return [(error as Error).message, null]
  }
}
