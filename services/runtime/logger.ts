import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/**
 * JSON lines, or coloured text where standard error is a terminal. Goes to standard error, so that
 * standard output stays for a command's answer. Written synchronously: the last line before an exit
 * is never lost, and with one line a batch it costs nothing.
 */
export function createLogger(service: string, level: (typeof LOG_LEVELS)[number]): Logger {
  const options = { base: { service }, level, timestamp: pino.stdTimeFunctions.isoTime }
  if (process.stderr.isTTY) {
    return pino(options, pretty({ sync: true, destination: 2, ignore: 'pid,hostname,service' }))
  }
  return pino(
    { ...options, formatters: { level: label => ({ level: label }) } },
    pino.destination({ dest: 2, sync: true }),
  )
}
