import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { filesOf } from '../support/answers.ts'
import { breachesSeenBy, inSnapshot } from '../support/checker.ts'
import { settleContested } from '../support/contested.ts'
import type { Folders } from '../support/folders.ts'
import type { MadeFile } from '../support/made-file.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { Breach } from './breach.ts'
import type { Written } from './load.ts'

const DRAIN_MS = 120_000
const LOOK_EVERY_MS = 250

/** What has been proven line by line, and what it looked like then. */
export interface Proven {
  readonly fileId: number
  readonly files: number
  readonly rows: number
  /** Of every proven row of every table, to the last bit. */
  readonly fingerprint: string
}

export const NOTHING_PROVEN: Proven = { fileId: 0, files: 0, rows: 0, fingerprint: '' }

export interface Muster {
  database: TestDatabase
  folders: Folders
  written: Written
  before: Proven
}

/**
 * The whole proof. Nothing writes any more: the backlog must empty, every line since the last muster
 * must be where its answer key says, once, and all that was proven before must be as it was. What is
 * proven is then removed from the archive, so that a run of hours fills no disk.
 * @throws Breach with all that is not as it must be
 */
export async function muster({ database, folders, written, before }: Muster): Promise<Proven> {
  await drained(database, folders)
  // Marks are not waited for until they are on the disk. What is proven now no crash may undo.
  await database.query('checkpoint')
  const read = await Promise.all(written.manifests.map(manifest => filesOf(manifest, folders)))
  const files = [...read.flatMap(({ files }) => files), ...written.made]
  const { breaches, proven } = await inSnapshot(database, async tx => {
    const found = [
      ...read.flatMap(({ breaches }) => breaches),
      ...(await changedSince(tx, before)),
      ...(await breachesSeenBy(tx, {
        files: await settleContested(tx, files),
        folders,
        afterFileId: before.fileId,
      })),
    ]
    return { breaches: found, proven: await provenNow(tx, before, files) }
  })
  if (breaches.length > 0) throw new Breach('the whole proof', breaches)
  await removeProven(files, written, folders)
  return proven
}

async function drained(database: TestDatabase, folders: Folders): Promise<void> {
  const end = performance.now() + DRAIN_MS
  for (;;) {
    const waiting = await stillWaiting(database, folders)
    if (waiting.length === 0) return
    if (performance.now() > end)
      throw new Breach(
        `the backlog, ${DRAIN_MS / 1_000} s after the last file was written`,
        waiting.slice(0, 10),
      )
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

async function stillWaiting(database: TestDatabase, folders: Folders): Promise<string[]> {
  const rows = await database.query<{ file_name: string; status: string; message: string }>(
    `select file_name, status, coalesce(message, '') as message from ingest_files
      where archived_at is null and status <> 'missing' order by file_id limit 20`,
  )
  const there = (await readdir(folders.input)).filter(name => !name.startsWith('.'))
  return [
    ...rows.map(
      row =>
        `file ${row.file_name}: done and moved away expected, found ${row.status} ${row.message}`,
    ),
    ...there.map(name => `disk: ${name} is still in the input folder`),
  ]
}

async function changedSince(tx: pg.ClientBase, before: Proven): Promise<string[]> {
  const now = await fingerprint(tx, before.fileId)
  return before.fileId === 0 || now === before.fingerprint
    ? []
    : [
        `rows that had been proven are not what they were (up to file_id ${before.fileId}): ${before.fingerprint} expected, ${now} found`,
      ]
}

async function provenNow(
  tx: pg.ClientBase,
  before: Proven,
  files: readonly MadeFile[],
): Promise<Proven> {
  const { rows } = await tx.query(
    `select coalesce(max(file_id), 0)::int as file_id, coalesce(sum(rows_loaded), 0)::int as rows from ingest_files`,
  )
  return {
    fileId: rows[0].file_id,
    files: before.files + files.length,
    rows: rows[0].rows,
    fingerprint: await fingerprint(tx, rows[0].file_id),
  }
}

/** One number a table that any change of any proven row would change. */
async function fingerprint(tx: pg.ClientBase, fileId: number): Promise<string> {
  const tables = ['user_activity', 'user_activity_errors', 'ingest_files']
  const of = (table: string) =>
    `(select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)
        from ${table} t where file_id <= $1)`
  const { rows } = await tx.query(`select concat_ws('; ', ${tables.map(of).join(', ')}) as all`, [
    fileId,
  ])
  return rows[0].all
}

async function removeProven(
  files: readonly MadeFile[],
  { manifests }: Written,
  folders: Folders,
): Promise<void> {
  for (const { name, generation = 1 } of files) {
    const archived = generation > 1 ? name.replace(/\.csv$/, `.${generation}.csv`) : name
    await rm(join(folders.archive, archived))
  }
  for (const manifest of manifests) await rm(manifest, { force: true })
}
