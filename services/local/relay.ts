import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const QUIET_MS = 30_000
const WORTH_SHOWING = ['warn', 'error', 'fatal']

export interface Relay {
  /** The error of a usage or of a crash: what the service said last that was not a log line. */
  lastWords(): string
}

/**
 * Sends a service's output to its log file, line by line, and what is a warning or worse to a person
 * as well; the same message at most every 30 s.
 */
export function relay(
  outputs: readonly Readable[],
  append: (text: string) => void,
  warn: (line: string) => void,
): Relay {
  const shownAt = new Map<string, number>()
  let plain: string[] = []
  const onLine = (line: string) => {
    append(`${line}\n`)
    const entry = logEntry(line)
    if (!entry) {
      plain = [...plain, line].slice(-20)
      return
    }
    const now = performance.now()
    const quiet = now - (shownAt.get(entry.msg) ?? -QUIET_MS) < QUIET_MS
    if (quiet || !WORTH_SHOWING.includes(entry.level)) return
    shownAt.set(entry.msg, now)
    warn(inWords(entry))
  }
  for (const output of outputs) createInterface(output).on('line', onLine)
  return { lastWords: () => plain.find(line => /error|cannot/i.test(line)) ?? plain.at(-1) ?? '' }
}

interface LogEntry {
  level: string
  msg: string
  file?: unknown
  err?: { message?: string }
}

function logEntry(line: string): LogEntry | undefined {
  try {
    const entry = JSON.parse(line)
    return typeof entry.msg === 'string' ? entry : undefined
  } catch {
    return undefined
  }
}

function inWords({ msg, file, err }: LogEntry): string {
  const aside = [file, err?.message].filter(text => typeof text === 'string')
  return aside.length === 0 ? msg : `${msg} (${aside.join(': ')})`
}
