import { randomUUID } from 'node:crypto'
import { access, constants, rename, statfs, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pool } from '../runtime/database.ts'
import { requireSchema } from '../runtime/migrations.ts'
import type { Config } from './config.ts'
import { errorCode } from './errors.ts'
import { FolderClock } from './folder-clock.ts'
import { hearsEvents } from './hears-events.ts'

/** What was looked at: fit (`fault` null), or at fault with what a person can do about it. */
export interface Diagnosis {
  about: string
  found: string
  fault: string | null
  remedy: string | null
}

const CLOCKS_APART_MS = 2_000
const LEAST_FREE_BYTES = 1024 ** 3
const LEAST_FREE_SHARE = 0.05

/** Everything that an ingestor stands on, looked at by doing what it does. */
export async function* diagnose(
  pool: Pool,
  target: string,
  config: Config,
): AsyncGenerator<Diagnosis> {
  const database = await aboutDatabase(pool, target)
  yield database
  if (database.fault === null) yield await aboutSchema(pool)
  const folders = [config.inputDir, config.archiveDir, config.refusedDir]
  let fit = true
  for (const folder of folders) {
    const diagnosis = await aboutFolder(folder)
    fit &&= diagnosis.fault === null
    yield diagnosis
  }
  if (fit) {
    yield await aboutMount(config)
    yield await aboutEvents(config)
    yield await aboutDisk(config)
  }
  if (database.fault === null) yield await aboutClocks(pool, config)
}

const fine = (about: string, found: string): Diagnosis => ({
  about,
  found,
  fault: null,
  remedy: null,
})
const fault = (about: string, found: string, remedy: string): Diagnosis => ({
  ...{ about, found, fault: found, remedy },
})

async function aboutDatabase(pool: Pool, target: string): Promise<Diagnosis> {
  try {
    const { rows } = await pool.query(
      `select current_setting('server_version') as version, pg_is_in_recovery() as standby`,
    )
    const found = `${target}, PostgreSQL ${rows[0].version}`
    return rows[0].standby
      ? fault('database', `${found}, a read-only standby`, 'point the settings at the primary')
      : fine('database', found)
  } catch (error) {
    const code = errorCode(error)
    const remedy = /^(28|3D)/.test(code)
      ? 'check POSTGRES_DB, POSTGRES_USER and POSTGRES_PASSWORD (or DATABASE_URL)'
      : 'start it (`docker compose up -d postgres`, `npm start`), or check POSTGRES_HOST and POSTGRES_PORT'
    return fault('database', `${target}: ${code || (error as Error).message}`, remedy)
  }
}

async function aboutSchema(pool: Pool): Promise<Diagnosis> {
  try {
    await requireSchema(pool)
    return fine('schema', 'the version that this program was written for')
  } catch (error) {
    const [message, remedy = 'run `npm run migrate`'] = (error as Error).message.split('; ')
    return fault('schema', message!, remedy)
  }
}

async function aboutFolder(folder: string): Promise<Diagnosis> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return fine('folder', `${folder} can be read and written`)
  } catch (error) {
    const code = errorCode(error)
    const remedy =
      code === 'ENOENT'
        ? `mkdir -p ${folder}`
        : `give this user the rights: chown or chmod ${folder}`
    return fault('folder', `${folder}: ${code}`, remedy)
  }
}

async function aboutMount({ inputDir, archiveDir, refusedDir }: Config): Promise<Diagnosis> {
  const name = `.doctor-${randomUUID()}`
  try {
    // Made by nobody else: a link that stands there already would be written through.
    await writeFile(join(inputDir, name), '', { flag: 'wx' })
    await rename(join(inputDir, name), join(refusedDir, name))
    await rename(join(refusedDir, name), join(archiveDir, name))
    return fine('one mount', 'a file can be renamed from input to refused to archive')
  } catch (error) {
    const remedy =
      errorCode(error) === 'EXDEV'
        ? 'mount the folder above them all as one, not each for itself'
        : 'see what the system says, and give the rights or the space'
    return fault('one mount', `a rename between the folders fails: ${errorCode(error)}`, remedy)
  } finally {
    for (const folder of [inputDir, refusedDir, archiveDir])
      await unlink(join(folder, name)).catch(() => {})
  }
}

async function aboutEvents({ inputDir }: Config): Promise<Diagnosis> {
  const { heardAfterMs, error } = await hearsEvents(inputDir)
  if (heardAfterMs !== null) return fine('events', `heard of a new file after ${heardAfterMs} ms`)
  const remedy = /ENOSPC|EMFILE/.test(error ?? '')
    ? 'sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512'
    : 'set INGEST_WATCH=polling: folders of another machine, or of Docker Desktop, report none'
  return fault(
    'events',
    `no event of a new file${error ? ` (${error})` : ''}; files are found by listing`,
    remedy,
  )
}

async function aboutDisk({ inputDir }: Config): Promise<Diagnosis> {
  const { bavail, blocks, bsize } = await statfs(inputDir)
  const free = bavail * bsize
  const found = `${(free / 1024 ** 3).toFixed(1)} GiB free, ${Math.round((100 * bavail) / blocks)} %`
  return free < LEAST_FREE_BYTES || bavail / blocks < LEAST_FREE_SHARE
    ? fault('disk space', found, 'make room: move old files out of archive/')
    : fine('disk space', found)
}

async function aboutClocks(pool: Pool, { inputDir }: Config): Promise<Diagnosis> {
  const folder = new FolderClock(inputDir)
  folder.set()
  const askedAt = Date.now()
  const { rows } = await pool.query(
    `select extract(epoch from clock_timestamp())::float8 * 1000 as ms`,
  )
  const here = (askedAt + Date.now()) / 2
  const apart = {
    database: Math.round(rows[0].ms - here),
    folder: Number.isFinite(folder.now()) ? Math.round(folder.now() - Date.now()) : 0,
  }
  const found = `database ${apart.database} ms, folder ${apart.folder} ms from this machine`
  const worst = Math.max(Math.abs(apart.database), Math.abs(apart.folder))
  return worst > CLOCKS_APART_MS
    ? fault('clocks', found, 'set them by NTP; no row is at risk, but times in the tables differ')
    : fine('clocks', found)
}
