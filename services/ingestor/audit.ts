import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../runtime/database.ts'
import { type Batch, inBatches } from './batch.ts'
import { compareBatch, type Found } from './compare.ts'
import type { Config } from './config.ts'
import { segments } from './judge.ts'
import type { Segment } from './segment.ts'
import { unclaimed } from './verdicts.ts'

/** A breach of "every line is accounted for", in words. */
export interface Breach {
  file: string
  /** null: of the file as a whole. */
  line: number | null
  message: string
}

interface DoneFile {
  fileId: number
  /** Where its bytes are now. */
  folder: string
  name: string
  sizeBytes: number
  lines: number
  loaded: number
  rejected: number
}

const PAGE = 500
const LIMITS = { batchRows: 10_000, batchBytes: 8 * 1024 * 1024, batchSegments: 4_000 }

/**
 * Reads every finished file once more and holds each of its lines against the tables: it is there
 * with the same content, or another line with the same content is, or it is kept with its bytes in
 * the quarantine. Memory is bounded by a batch and a page of files.
 */
export async function audit(
  client: Client,
  config: Config,
  onBreach: (breach: Breach) => void,
  onBytes: (bytes: number) => void,
): Promise<{ files: number; lines: number }> {
  // Each line is looked up by its key; what the planner guesses of a temporary table would have it
  // read all of user_activity for each batch.
  await client.query('set enable_hashjoin = off; set enable_mergejoin = off')
  const sum = { files: 0, lines: 0 }
  for await (const page of donePages(client, config)) {
    const there = page.filter(file => isThere(file, onBreach))
    const lines = new Map(page.map(({ fileId }) => [fileId, 0]))
    for (const batch of inBatches(judged(there, config, onBreach), LIMITS)) {
      const names = new Map(there.map(({ fileId, name }) => [fileId, name]))
      for (const found of await compareBatch(client, batch)) onBreach(breachOf(found, names))
      count(batch, lines)
      onBytes(batch.segments.reduce((bytes, { from, to }) => bytes + to - from, 0))
    }
    for (const file of there) {
      const read = lines.get(file.fileId)!
      sum.lines += read
      if (read !== file.lines) onBreach(ofFile(file, 'lines', file.lines, read))
    }
    await auditCounters(client, page, onBreach)
    sum.files += page.length
  }
  return sum
}

async function* donePages(client: Client, config: Config): AsyncGenerator<DoneFile[]> {
  for (let after = 0; ; ) {
    const { rows } = await client.query(
      `select file_id, file_name, archived_as, size_bytes, line_no, rows_loaded, rows_rejected
         from ingest_files where status = 'done' and file_id > $1 order by file_id limit ${PAGE}`,
      [after],
    )
    if (rows.length === 0) return
    yield rows.map(row => ({
      fileId: row.file_id,
      folder: row.archived_as === null ? config.inputDir : config.archiveDir,
      name: row.archived_as ?? row.file_name,
      sizeBytes: row.size_bytes,
      lines: row.line_no,
      loaded: row.rows_loaded,
      rejected: row.rows_rejected,
    }))
    after = rows.at(-1).file_id
  }
}

function isThere({ folder, name }: DoneFile, onBreach: (breach: Breach) => void): boolean {
  if (existsSync(join(folder, name))) return true
  onBreach({ file: name, line: null, message: `nothing can be proved: it is not in ${folder}` })
  return false
}

function* judged(
  files: readonly DoneFile[],
  { maxLineBytes }: Config,
  onBreach: (breach: Breach) => void,
): Generator<Segment> {
  for (const file of files) {
    const judging = { maxLineBytes, settleMs: 0, batchRows: LIMITS.batchRows, now: () => 0 }
    let last: Segment | null = null
    for (const segment of segments(unclaimed(file.name, file.fileId), {
      ...judging,
      inputDir: file.folder,
    })) {
      yield segment
      last = segment
    }
    const { next, to } = last!
    if (next.status !== 'done')
      onBreach({ file: file.name, line: null, message: `cannot be read again: ${next.status}` })
    else if (to !== file.sizeBytes) onBreach(ofFile(file, 'bytes', file.sizeBytes, to))
  }
}

function count({ segments }: Batch, lines: Map<number, number>): void {
  for (const { claim, lineNo } of segments) lines.set(claim.fileId, lineNo)
}

async function auditCounters(
  client: Client,
  page: readonly DoneFile[],
  onBreach: (breach: Breach) => void,
): Promise<void> {
  const { rows } = await client.query(
    `select f.file_id,
            (select count(*) from user_activity u where u.file_id = f.file_id) as loaded,
            (select count(*) from user_activity_errors e
              where e.file_id = f.file_id and resolved_at is null) as rejected
       from unnest($1::bigint[]) as f (file_id)`,
    [page.map(({ fileId }) => fileId)],
  )
  const found = new Map(rows.map(row => [row.file_id, row]))
  for (const file of page) {
    const { loaded, rejected } = found.get(file.fileId)
    if (loaded !== file.loaded) onBreach(ofFile(file, 'rows loaded', file.loaded, loaded))
    if (rejected !== file.rejected) onBreach(ofFile(file, 'rows rejected', file.rejected, rejected))
  }
}

function breachOf({ fileId, lineNo, message }: Found, names: Map<number, string>): Breach {
  return { file: names.get(fileId)!, line: lineNo, message }
}

function ofFile({ name }: DoneFile, what: string, expected: number, found: number): Breach {
  return { file: name, line: null, message: `${what}: ${expected} expected, ${found} found` }
}
