import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The first line that a program says; undefined where it cannot be run. */
export async function firstLine(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(program, [...args])
    return (stdout || stderr).split('\n')[0]!.trim()
  } catch {
    return undefined
  }
}
