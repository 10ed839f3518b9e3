import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../services/local/postgres.ts'
import { isAlive } from '../../services/local/processes.ts'
import { migrate } from '../../services/migrate/migrate.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: { adminUrl: string; template: string }
  }
}

const FOLDER = 'hot-folder-postgres'

/**
 * One PostgreSQL for the whole run: the one of TEST_DATABASE_URL, whose user must be allowed to make
 * databases, else a private one that is gone afterwards.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL
  const server = given ? { adminUrl: given, stop: async () => undefined } : await privateServer()
  const template = `template_${process.pid}_${Date.now()}`
  await makeTemplate(server.adminUrl, template)
  project.provide('postgres', { adminUrl: server.adminUrl, template })
  return async () => {
    await dropTemplate(server.adminUrl, template)
    await server.stop()
  }
}

async function privateServer() {
  await removeLeftovers()
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER}-${process.pid}-`))
  const server = await startPostgres({
    folder,
    user: 'tester',
    port: 0,
    prefer: 'system',
    // What a test writes need not survive the machine.
    settings: { fsync: 'off', max_connections: 200, max_wal_size: '4GB' },
    say: line => console.log(line),
  })
  return {
    adminUrl: `postgres://${server.user}:${server.password}@${server.host}:${server.port}/postgres`,
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A run that was killed leaves its folder behind, though not its server. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${FOLDER}-(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) {
      await rm(join(tmpdir(), name), { recursive: true, force: true })
    }
  }
}

async function makeTemplate(adminUrl: string, template: string): Promise<void> {
  await onServer(adminUrl, admin => admin.query(`create database ${template} template template0`))
  const url = new URL(adminUrl)
  url.pathname = `/${template}`
  await onServer(url.href, migrate)
  await onServer(adminUrl, admin =>
    admin.query(`alter database ${template} with is_template true allow_connections false`),
  )
}

async function dropTemplate(adminUrl: string, template: string): Promise<void> {
  await onServer(adminUrl, async admin => {
    await admin.query(`alter database ${template} with is_template false`)
    await admin.query(`drop database ${template} with (force)`)
  })
}

async function onServer(url: string, work: (pool: pg.Pool) => Promise<unknown>): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  // A connection that is still being closed when the server stops.
  pool.on('error', () => undefined)
  // The server may be stopped before it has said goodbye to the last client.
  pool.on('connect', client => client.on('error', () => undefined))
  try {
    await work(pool)
  } finally {
    await pool.end()
  }
}
