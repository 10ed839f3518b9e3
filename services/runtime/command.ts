import { CommanderError } from 'commander'
import { ConfigurationError } from './env.ts'

/** Exit codes of every command. 75 is EX_TEMPFAIL of sysexits.h: the same call may succeed later. */
export const EXIT = { ok: 0, failure: 1, usage: 2, rejects: 3, unavailable: 75 } as const

/**
 * Runs a command to its exit code. A user's mistake ends with its lines on standard error and 2, an
 * unreachable database with one line and 75, one that refuses the user with 2; only a defect of the program shows a stack.
 */
export async function exitWith(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command()
  } catch (error) {
    process.exitCode = explain(error)
  }
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof ConfigurationError) {
    for (const fault of error.faults) console.error(`error: ${fault}`)
    return EXIT.usage
  }
  if (isUnavailable(error)) {
    console.error(`error: the database cannot be used now (${reason(error)}); try again later`)
    return EXIT.unavailable
  }
  if (codeOf(error) === 'TLS') {
    console.error(`error: ${(error as Error).message}`)
    return EXIT.usage
  }
  if (isRefused(error)) {
    console.error(`error: the database refuses this user (${reason(error)})`)
    return EXIT.usage
  }
  console.error(isOfFiles(error) ? `error: ${error.message}` : error)
  return EXIT.failure
}

function isUnavailable(error: unknown): boolean {
  const code = codeOf(error)
  return /^(ECONN|ETIMEDOUT|EHOST|ENET|EAI_|ENOTFOUND|EPIPE)/.test(code) || /^(08|53|57)/.test(code)
}

// Wrong name or password, no such database, no right: a person must mend it.
function isRefused(error: unknown): boolean {
  return /^(28|3D|42501)/.test(codeOf(error))
}

// A folder without the rights, a full disk: the message of the system names the path.
function isOfFiles(error: unknown): error is NodeJS.ErrnoException {
  const { syscall, path } = error as NodeJS.ErrnoException
  return syscall !== undefined && path !== undefined
}

function reason(error: unknown): string {
  return `${codeOf(error)}: ${(error as Error).message || 'no answer'}`
}

// Several addresses of one host fail as one AggregateError, whose own message is empty.
function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
