import type { Folders } from '../support/folders.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { type RunningService, type ServiceOptions, startService } from '../support/process.ts'

export interface Once {
  code: number | null
  /** What `--json` says. */
  summary: Summary
  stderr: string
  log: RunningService['log']
}

export interface Summary {
  files: Record<string, number>
  rows: { read: number; loaded: number; duplicate: number; rejected: number }
  rejects: Record<string, number>
  refusals: string[]
}

export function startOnce(
  database: Pick<TestDatabase, 'env'>,
  folders: Pick<Folders, 'env'>,
  options: ServiceOptions = {},
): RunningService {
  return startService('services/ingestor/main.ts', {
    ...options,
    args: ['run', '--once', '--json', ...(options.args ?? [])],
    env: { INGEST_SETTLE_SECONDS: '0', ...database.env, ...folders.env, ...options.env },
  })
}

/** `ingest run --once --json`, from its start to its end. */
export async function ingestOnce(
  database: Pick<TestDatabase, 'env'>,
  folders: Pick<Folders, 'env'>,
  options: ServiceOptions = {},
): Promise<Once> {
  const service = startOnce(database, folders, options)
  const { code } = await service.exit(60_000)
  const stdout = service.stdout()
  return {
    code,
    summary: stdout === '' ? (null as never) : JSON.parse(stdout),
    stderr: service.stderr(),
    log: service.log,
  }
}

/** Breaches of "every line is accounted for", counted from the tables alone; empty when there is none. */
export function accounted(database: TestDatabase): Promise<unknown[]> {
  return database.query(
    `select file_name, status, byte_offset, size_bytes, line_no, lines_blank, u.n as loaded, e.n as rejected
       from ingest_files
       left join (select file_id, count(*) as n from user_activity group by 1) u using (file_id)
       left join (select file_id, count(*) as n from user_activity_errors group by 1) e using (file_id)
      where rows_loaded <> coalesce(u.n, 0) or rows_rejected <> coalesce(e.n, 0)
         or line_no <> lines_blank + coalesce(u.n, 0) + rows_duplicate + coalesce(e.n, 0) + (line_no > 0)::int
         or (status = 'done' and byte_offset <> size_bytes)
         or status in ('pending', 'active', 'parked')`,
  )
}
