import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { MadeFile } from './made-file.ts'

/** Any database with the schema in it. */
export interface Checkable {
  readonly url: string
}

export interface CheckableFolders {
  readonly input: string
  readonly archive: string
  readonly refused: string
}

export interface Checked {
  database: Checkable
  /** Without folders what is on the disk is not looked at. */
  folders?: CheckableFolders
  files: readonly MadeFile[]
}

/**
 * Holds the tables and the disk against what was written, after the backlog has drained. Shares no
 * code with the ingestor and believes none of its counters: it counts. Lines of one event (the same
 * id) load once, from any of their places; the others are duplicates.
 * @returns every breach in words; empty when each row is there exactly once and each byte accounted for
 */
export async function breaches(checked: Checked): Promise<string[]> {
  return inSnapshot(checked.database, tx => breachesSeenBy(tx, checked))
}

/**
 * The same, as one transaction sees it.
 * In a run of hours, what came up to `afterFileId` was proven before, and is left out.
 */
export async function breachesSeenBy(
  tx: pg.ClientBase,
  { folders, files, afterFileId = 0 }: Omit<Checked, 'database'> & { afterFileId?: number },
): Promise<string[]> {
  return [
    ...(await filesBreached(tx, files, afterFileId)),
    ...(await rowsBreached(tx, files, afterFileId)),
    ...(await rejectsBreached(tx, files, afterFileId)),
    ...(await countersBreached(tx)),
    ...(await leftBehind(tx)),
    ...(folders ? await diskBreached(folders, files) : []),
  ]
}

/** Counters against counted rows, in one snapshot: holds at every moment, faults or none. */
export async function countersOff(database: Checkable): Promise<string[]> {
  return inSnapshot(database, countersBreached)
}

/** Looks again and again, in the midst of the faults, until stopped. */
export function sampleCounters(database: Checkable, pauseMs = 5) {
  const stop = new AbortController()
  const breached: string[] = []
  let samples = 0
  const running = (async () => {
    while (!stop.signal.aborted) {
      try {
        breached.push(...(await countersOff(database)))
        samples++
      } catch (error) {
        // The server may be one of those that are being killed; a breach is what matters here.
        if (!(error instanceof Error)) throw error
      }
      await new Promise(resolve => setTimeout(resolve, pauseMs))
    }
  })()
  return {
    /** @returns how often was looked, and what was wrong at any time */
    async stop() {
      stop.abort()
      await running
      return { samples, breached }
    },
  }
}

export async function inSnapshot<T>(
  database: Checkable,
  look: (tx: pg.ClientBase) => Promise<T>,
): Promise<T> {
  // A connection of its own: its numbers must arrive as they are, whatever the pool's settings.
  const tx = new pg.Client({
    connectionString: database.url,
    application_name: 'checker',
    options: '-c timezone=UTC -c default_transaction_isolation=repeatable\\ read',
    query_timeout: 60_000,
  })
  tx.on('error', () => undefined)
  await tx.connect()
  try {
    await tx.query('begin read only')
    return await look(tx)
  } finally {
    await tx.end().catch(() => undefined)
  }
}

/** How a file is called here: by its name, and by its generation where that is not the first. */
const FILE_OF = `f.file_name || case when f.generation > 1 then ' (generation ' || f.generation || ')' else '' end`

function labelOf({ name, generation = 1 }: MadeFile): string {
  return generation > 1 ? `${name} (generation ${generation})` : name
}

async function filesBreached(
  tx: pg.ClientBase,
  files: readonly MadeFile[],
  afterFileId: number,
): Promise<string[]> {
  const { rows } = await tx.query(
    `select ${FILE_OF} as file_name, f.status, f.reason, f.message, f.size_bytes::int as size,
            f.byte_offset::int as byte_offset, f.line_no::int as line_no,
            f.lines_blank::int as blank, f.rows_read::int as read, f.rows_loaded::int as loaded,
            f.rows_duplicate::int as duplicate, f.rows_rejected::int as rejected
       from ingest_files f where file_id > $1`,
    [afterFileId],
  )
  const known = new Map(rows.map(row => [row.file_name, row]))
  const breached: string[] = []
  for (const file of files) {
    const { content, lines } = file
    const name = labelOf(file)
    const row = known.get(name)
    known.delete(name)
    const expect = (what: string, expected: unknown, found: unknown) => {
      if (expected !== found)
        breached.push(`file ${name}: ${what}: ${expected} expected, ${found} found`)
    }
    if (!row) {
      breached.push(`file ${name}: never registered`)
      continue
    }
    const count = (verdict: string) => lines.filter(line => line.verdict === verdict).length
    expect('status', 'done', row.message ? `${row.status} (${row.message})` : row.status)
    expect('size', content.length, row.size)
    expect('byte_offset', content.length, row.byte_offset)
    expect('lines', physicalLines(content), row.line_no)
    expect(
      'lines accounted for',
      row.line_no,
      1 + row.blank + row.loaded + row.duplicate + row.rejected,
    )
    expect('blank lines', count('blank'), row.blank)
    expect('rows read', count('event') + count('reject'), row.read)
    expect('rows loaded or duplicate', count('event'), row.loaded + row.duplicate)
    expect('rows rejected', count('reject'), row.rejected)
  }
  for (const name of known.keys()) breached.push(`file ${name}: registered, but never written`)
  return breached
}

function physicalLines(content: Buffer): number {
  const ends = content.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0)
  return content.length > 0 && content.at(-1) !== 10 ? ends + 1 : ends
}

const FIELDS = 'event_id, event_time, event_type, product_id, price, user_id, session_id'

async function rowsBreached(
  tx: pg.ClientBase,
  files: readonly MadeFile[],
  afterFileId: number,
): Promise<string[]> {
  const lines = files.flatMap(file =>
    file.lines.flatMap(line =>
      line.verdict === 'event' ? [{ name: labelOf(file), ...line }] : [],
    ),
  )
  const column = (index: number) => lines.map(({ event }) => event[index])
  // PostgreSQL itself turns the written texts into values, so that only equal values are equal.
  const { rows } = await tx.query(
    `with written as materialized (
       select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::text[],
                            $6::integer[], $7::numeric[], $8::integer[], $9::text[])
         as w (file_name, line_no, ${FIELDS})
     ), stored as materialized (
       select coalesce(${FILE_OF}, 'file_id ' || u.file_id) as file_name, u.line_no, ${FIELDS}
         from user_activity u left join ingest_files f using (file_id)
        where u.file_id > $10
     ), wrong as (
       select 'missing' as what, file_name, line_no, event_id::text from written w
        where not exists (select from stored s where s.event_id = w.event_id)
       union all
       select 'never written, or written otherwise', file_name, line_no, event_id::text from (
         select * from stored except select * from written) s
       union all
       select 'stored ' || count(*) || ' times', min(file_name), min(line_no), event_id::text
         from stored group by event_id having count(*) > 1
     )
     select *, count(*) over (partition by what)::int as n from wrong order by what, file_name, line_no
      limit 20`,
    [
      lines.map(({ name }) => name),
      lines.map(({ lineNo }) => lineNo),
      ...[0, 1, 2, 3, 4, 5, 6].map(column),
      afterFileId,
    ],
  )
  return rows.map(
    row => `row ${row.event_id} (${row.file_name} line ${row.line_no}): ${row.what}; ${row.n} such`,
  )
}

async function rejectsBreached(
  tx: pg.ClientBase,
  files: readonly MadeFile[],
  afterFileId: number,
): Promise<string[]> {
  const { rows } = await tx.query(
    `select ${FILE_OF} as file_name, e.line_no::int as line_no, e.byte_offset::int as byte_offset, e.reason,
            e.error_message, e.raw_line
       from user_activity_errors e left join ingest_files f using (file_id)
      where e.file_id > $1`,
    [afterFileId],
  )
  const stored = new Map<string, (typeof rows)[number]>()
  const breached: string[] = []
  for (const row of rows) {
    const place = `${row.file_name} line ${row.line_no}`
    if (stored.has(place)) breached.push(`reject ${place}: stored twice`)
    stored.set(place, row)
  }
  for (const file of files) {
    const name = labelOf(file)
    for (const line of file.lines) {
      const place = `${name} line ${line.lineNo}`
      const row = stored.get(place)
      stored.delete(place)
      if (line.verdict !== 'reject') {
        if (row)
          breached.push(`reject ${place}: a good line, found ${row.reason} (${row.error_message})`)
      } else if (!row) breached.push(`reject ${place}: missing, ${line.reason} expected`)
      else {
        if (row.reason !== line.reason)
          breached.push(`reject ${place}: reason ${line.reason} expected, ${row.reason} found`)
        if (row.byte_offset !== line.byteOffset)
          breached.push(
            `reject ${place}: offset ${line.byteOffset} expected, ${row.byte_offset} found`,
          )
        if (!line.raw.equals(row.raw_line))
          breached.push(`reject ${place}: other bytes than the line had`)
      }
    }
  }
  for (const place of stored.keys()) breached.push(`reject ${place}: no such line was written`)
  return breached
}

async function countersBreached(tx: pg.ClientBase): Promise<string[]> {
  const { rows } = await tx.query(
    `select coalesce(f.file_name, 'file_id ' || coalesce(u.file_id, e.file_id)) as file_name,
            coalesce(f.rows_loaded, 0)::int as loaded, coalesce(u.n, 0)::int as loaded_found,
            coalesce(f.rows_rejected, 0)::int as rejected, coalesce(e.n, 0)::int as rejected_found
       from ingest_files f
       full join (select file_id, count(*) as n from user_activity group by 1) u using (file_id)
       full join (select file_id, count(*) as n from user_activity_errors group by 1) e using (file_id)`,
  )
  const { rows: view } = await tx.query('select * from ingest_discrepancies')
  return [
    ...rows.flatMap(row => [
      ...(row.loaded === row.loaded_found
        ? []
        : [`counter ${row.file_name}: rows_loaded ${row.loaded}, ${row.loaded_found} counted`]),
      ...(row.rejected === row.rejected_found
        ? []
        : [
            `counter ${row.file_name}: rows_rejected ${row.rejected}, ${row.rejected_found} counted`,
          ]),
    ]),
    ...view.map(row => `ingest_discrepancies: ${JSON.stringify(row)}`),
  ]
}

async function leftBehind(tx: pg.ClientBase): Promise<string[]> {
  const { rows: sessions } = await tx.query(
    `select pid, application_name, state, query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and application_name like 'ingestor %' and xact_start < clock_timestamp() - interval '2 s'`,
  )
  const { rows: held } = await tx.query(
    `select file_name, owner, status from ingest_files
      where owner is not null or lease_until is not null or status in ('pending', 'active')`,
  )
  return [
    ...sessions.map(
      row => `left behind: an open transaction of ${row.application_name}: ${row.query}`,
    ),
    ...held.map(row => `left behind: ${row.file_name} is ${row.status}, held by ${row.owner}`),
  ]
}

async function diskBreached(
  folders: CheckableFolders,
  files: readonly MadeFile[],
): Promise<string[]> {
  const [input, archive, refused] = await Promise.all(
    [folders.input, folders.archive, folders.refused].map(folder => readdir(folder)),
  )
  const breached: string[] = []
  for (const { sha256, ...file } of files) {
    const name = archivedAs(file)
    if (input!.includes(file.name)) breached.push(`disk: ${file.name} is still in the input folder`)
    if (refused!.includes(name)) breached.push(`disk: ${name} is among the refused`)
    if (!archive!.includes(name)) {
      breached.push(`disk: ${name} is not in the archive`)
      continue
    }
    const found = createHash('sha256')
      .update(await readFile(join(folders.archive, name)))
      .digest('hex')
    if (found !== sha256)
      breached.push(`disk: ${name} has other bytes in the archive than were written`)
  }
  const names = new Set(files.map(archivedAs))
  for (const name of archive!)
    if (!names.has(name)) breached.push(`disk: ${name} is in the archive, but was never written`)
  return breached
}

function archivedAs({ name, generation = 1 }: Pick<MadeFile, 'name' | 'generation'>): string {
  return generation > 1 ? name.replace(/\.csv$/, `.${generation}.csv`) : name
}
