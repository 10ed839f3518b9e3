import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from './env.ts'

/** Where `npm start` leaves the connection URL of its database while it runs. */
export function urlFile(dataDir: string): string {
  return join(dataDir, 'postgres', 'url')
}

/**
 * The environment, pointed at the database of a running `npm start` where it names no other: nothing
 * has to be copied for a second terminal. A `.env` may hold a password for Docker; it is not that
 * server's.
 */
export function nearestDatabase(env: Environment, dataDir: string): Environment {
  if (env.DATABASE_URL !== undefined || env.POSTGRES_HOST !== undefined) return env
  try {
    const DATABASE_URL = readFileSync(urlFile(dataDir), 'utf8').trim()
    return { ...env, DATABASE_URL, POSTGRES_PASSWORD: undefined, POSTGRES_PASSWORD_FILE: undefined }
  } catch {
    return env
  }
}
