import { execFile } from 'node:child_process'

export interface Call {
  cwd?: string
  env?: Readonly<Record<string, string | undefined>>
  uid?: number
  gid?: number
}

const DEADLINE_MS = 200_000
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024

/**
 * Runs a program to its end.
 * @returns its standard output
 * @throws Error with all of what it said, where its exit code is not 0
 */
export function execute(program: string, args: readonly string[], call: Call = {}) {
  return new Promise<string>((resolve, reject) => {
    execFile(
      program,
      args,
      {
        ...call,
        env: { ...dockerEnvironment(), ...call.env },
        timeout: DEADLINE_MS,
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout)
        reject(
          new Error(`${program} ${args.join(' ')} (exit ${error.code})\n${stderr}${stdout}`.trim()),
        )
      },
    )
  })
}

export function docker(...args: string[]): Promise<string> {
  return execute('docker', args)
}

export const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

/** Which engine to talk to, and nothing else: no setting of the project leaks into a test. */
function dockerEnvironment(): Record<string, string | undefined> {
  const kept = /^(PATH|HOME|DOCKER_|XDG_|BUILDKIT_|BUILDX_|SSH_|https?_proxy$|no_proxy$)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)))
}
