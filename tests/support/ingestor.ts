import type { Folders } from './folders.ts'
import type { MadeFile } from './made-file.ts'
import type { TestDatabase } from './postgres.ts'
import { type RunningService, type ServiceOptions, startService } from './process.ts'
import { until } from './until.ts'

/** Short times, so that a test of a lease or a sweep does not wait for one. */
const BRISK = {
  INGEST_SETTLE_SECONDS: '0.05',
  INGEST_SWEEP_SECONDS: '0.2',
  INGEST_LEASE_SECONDS: '1.5',
  METRICS_PORT: '0',
  LOG_LEVEL: 'debug',
}

/** A real ingestor, on the database and folders of the test. */
export function startIngestor(
  database: Pick<TestDatabase, 'env'>,
  folders: Folders,
  env: Record<string, string> = {},
  options: Pick<ServiceOptions, 'nodeArgs' | 'args' | 'under'> = {},
): RunningService {
  return startService('services/ingestor/main.ts', {
    ...options,
    env: { ...BRISK, ...database.env, ...folders.env, ...env },
  })
}

/** Waits until every file is done and moved away. */
export async function drained(
  database: TestDatabase,
  files: readonly MadeFile[],
  deadlineMs = 30_000,
): Promise<void> {
  let last = ''
  await until(
    'the end of the backlog',
    async () => {
      const [row] = await database
        .query<{ finished: number; stand: string }>(
          `select count(*) filter (where archived_at is not null) as finished,
                  string_agg(distinct status, ',') as stand
             from ingest_files where file_name = any($1)`,
          [files.map(({ name }) => name)],
        )
        // The server may be the one that is down at this moment.
        .catch(error => [{ finished: -1, stand: error.message }])
      last = `${row!.finished} of ${files.length} finished; ${row!.stand}`
      return row!.finished === files.length
    },
    deadlineMs,
  ).catch(error => {
    throw new Error(`${error.message}; ${last}`)
  })
}

/** How the ingestor answers /readyz. */
export async function readiness(
  ingestor: RunningService,
): Promise<{ status: number; body: { ready: boolean; faults: Record<string, string> } }> {
  const { metricsPort } = await ingestor.waitForLog('starting')
  const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`)
  return { status: response.status, body: (await response.json()) as never }
}
