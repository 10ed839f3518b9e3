import { resolve } from 'node:path'
import { z } from 'zod'
import { decimal, type Environment, oneOf, settings, whole } from '../runtime/env.ts'

export interface LocalConfig {
  readonly dataDir: string
  /** The port of 127.0.0.1 that PostgreSQL tries first. */
  readonly postgresPort: number
  /** What the generator is asked for, in events a second; 0 starts none. */
  readonly eventsPerSecond: number
  /** Whether there is a page, and the port of 127.0.0.1 that it tries first. */
  readonly dashboardPort: number | null
  /** What the services see beside their connection. */
  readonly env: Environment
}

const schema = z.object({
  DATA_DIR: z.string().default('./data'),
  // Not 5432, which a PostgreSQL of the machine's own would have.
  LOCAL_POSTGRES_PORT: whole(0, 65_535, 5433),
  LOCAL_RATE: decimal(0, 1_000_000, 100),
  LOCAL_DASHBOARD: oneOf(['on', 'off'], 'on'),
  DASHBOARD_PORT: whole(0, 65_535, 8080),
})

export function localConfig(flags: Environment, env: Environment): LocalConfig {
  const given = settings(schema, flags, env)
  return Object.freeze({
    dataDir: resolve(given.DATA_DIR),
    postgresPort: given.LOCAL_POSTGRES_PORT,
    eventsPerSecond: given.LOCAL_RATE,
    dashboardPort: given.LOCAL_DASHBOARD === 'on' ? given.DASHBOARD_PORT : null,
    env,
  })
}
