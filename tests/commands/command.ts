import type { Folders } from '../support/folders.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { type ServiceOptions, startService } from '../support/process.ts'

export interface Said {
  code: number | null
  stdout: string
  stderr: string
  /** Standard output, where it is one line of JSON. */
  json: unknown
  /** Standard output, where each line is JSON. */
  jsonLines: Record<string, unknown>[]
}

/** A command of `ingest`, as a process, from its start to its end. */
export async function command(
  args: readonly string[],
  database: Pick<TestDatabase, 'env'> | null,
  folders: Pick<Folders, 'env'>,
  env: Record<string, string> = {},
  options: Pick<ServiceOptions, 'under' | 'nodeArgs'> = {},
): Promise<Said> {
  const service = startService('services/ingestor/main.ts', {
    ...options,
    args,
    env: { ...database?.env, ...folders.env, ...env },
  })
  const { code } = await service.exit(60_000)
  const stdout = service.stdout()
  return {
    code,
    stdout,
    stderr: service.stderr(),
    get json() {
      return JSON.parse(stdout)
    },
    get jsonLines() {
      return stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
    },
  }
}
