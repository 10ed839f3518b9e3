import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONNECTION_SETTINGS } from './connection.ts'
import type { Environment } from './env.ts'

/** Where `npm start` leaves the connection URL of its database while it runs. */
export function urlFile(dataDir: string): string {
  return join(dataDir, 'postgres', 'url')
}

const NO_CONNECTION = Object.fromEntries(CONNECTION_SETTINGS.map(name => [name, undefined]))

/**
 * The environment, pointed at the database of a running `npm start` where it names no other: nothing
 * has to be copied for a second terminal. A `.env` may hold a password for Docker; it is not that
 * server's.
 */
export function nearestDatabase(env: Environment, dataDir: string): Environment {
  const named = [env.DATABASE_URL, env.DATABASE_URL_FILE, env.POSTGRES_HOST]
  if (named.some(name => name !== undefined)) return env
  try {
    const DATABASE_URL = readFileSync(urlFile(dataDir), 'utf8').trim()
    return { ...env, ...NO_CONNECTION, DATABASE_URL }
  } catch {
    return env
  }
}
