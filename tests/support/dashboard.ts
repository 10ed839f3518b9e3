import type { Status } from '../../services/dashboard/shape.ts'
import type { TestDatabase } from './postgres.ts'
import { type RunningService, startService } from './process.ts'
import { until } from './until.ts'

export interface RunningDashboard {
  readonly service: RunningService
  readonly url: string
  status(): Promise<Status>
  /** Waits until the page is told what `condition` wants. */
  until(what: string, condition: (status: Status) => unknown): Promise<Status>
}

/** A real dashboard on the test's database, on any free port unless the environment says one. */
export async function startDashboard(
  database: Pick<TestDatabase, 'env'>,
  env: Record<string, string> = {},
): Promise<RunningDashboard> {
  const service = startService('services/dashboard/main.ts', {
    env: { DASHBOARD_PORT: '0', LOG_LEVEL: 'debug', ...database.env, ...env },
  })
  const url = (await service.waitForLog('listening')).url as string
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status
  return {
    service,
    url,
    status,
    until: (what, condition) =>
      until(what, async () => {
        const told = await status()
        return condition(told) ? told : null
      }),
  }
}
