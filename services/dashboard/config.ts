import { z } from 'zod'
import { type Environment, oneOf, settings, whole } from '../runtime/env.ts'
import { LOG_LEVELS } from '../runtime/logger.ts'

const SETTINGS = z.object({
  DASHBOARD_PORT: whole(0, 65_535, 8080),
  DASHBOARD_HOST: z.string().default('127.0.0.1'),
  DASHBOARD_ALLOWED_HOSTS: z
    .string()
    .regex(/^[\w.:[\]-]+( *, *[\w.:[\]-]+)*$/, 'expected host names separated by commas')
    .default(''),
  DASHBOARD_COMMANDS: oneOf(['npm', 'docker'], 'npm'),
  LOG_LEVEL: oneOf(LOG_LEVELS, 'info'),
})

export interface DashboardConfig {
  /** 0 takes a free one. */
  port: number
  host: string
  /** Names beside this machine's own under which the page may be asked for. */
  allowedHosts: readonly string[]
  /** For whom the commands are that the page offers to copy. */
  commandsFor: 'npm' | 'docker'
  logLevel: (typeof LOG_LEVELS)[number]
}

/** @throws ConfigurationError naming every fault */
export function readConfig(flags: Environment, env: Environment): DashboardConfig {
  const read = settings(SETTINGS, flags, env)
  return Object.freeze({
    port: read.DASHBOARD_PORT,
    host: read.DASHBOARD_HOST,
    allowedHosts: read.DASHBOARD_ALLOWED_HOSTS.split(',').map(name => name.trim().toLowerCase()),
    commandsFor: read.DASHBOARD_COMMANDS,
    logLevel: read.LOG_LEVEL,
  })
}
