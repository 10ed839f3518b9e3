import pg from 'pg'
import type { TestDatabase } from '../support/postgres.ts'
import { Breach } from './breach.ts'

const EVERY_MS = 250

/** How things stood when they were last looked at. */
export interface Seen {
  rowsLoaded: number
  rowsDuplicate: number
  rowsRejected: number
  filesDone: number
  filesWaiting: number
}

/**
 * The laws that hold at every moment, looked at again and again in one snapshot each, in the midst of
 * the faults. Only files since the last whole proof are counted, so that a look costs the same after
 * eight hours as after one minute.
 */
export class Watch {
  readonly #database: TestDatabase
  readonly #onBreach: (breach: Breach) => void
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #base: Seen = { rowsLoaded: 0, rowsDuplicate: 0, rowsRejected: 0, filesDone: 0, filesWaiting: 0 }
  #latest: Seen = this.#base
  #afterFileId = 0
  looks = 0

  constructor(database: TestDatabase, onBreach: (breach: Breach) => void) {
    this.#database = database
    this.#onBreach = onBreach
  }

  get seen(): Seen {
    return this.#latest
  }

  start(): void {
    this.#running = this.#run()
  }

  /** What came up to this file has been proven, and is not counted again. */
  async provenTo(fileId: number): Promise<void> {
    const [row] = await this.#database.query<Record<keyof Seen, string>>(
      `select ${SUMS} from ingest_files f where file_id <= $1`,
      [fileId],
    )
    this.#base = numbers(row!)
    this.#latest = this.#base
    this.#afterFileId = fileId
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let tx: pg.Client | undefined
    while (!this.#stop.signal.aborted) {
      try {
        tx ??= await connected(this.#database.url)
        const breaches = await this.#look(tx)
        this.looks++
        if (breaches.length > 0) this.#onBreach(new Breach('a look in between', breaches))
      } catch {
        // The server may be the one that is down now; the next look asks it anew.
        await tx?.end().catch(() => undefined)
        tx = undefined
      }
      await new Promise(resolve => setTimeout(resolve, EVERY_MS))
    }
    await tx?.end().catch(() => undefined)
  }

  async #look(tx: pg.Client): Promise<string[]> {
    await tx.query('begin transaction isolation level repeatable read read only')
    try {
      const since = this.#afterFileId
      const base = this.#base
      const { rows: off } = await tx.query(OFF, [since])
      const { rows: unwell } = await tx.query(UNWELL, [since])
      const { rows } = await tx.query(`select ${SUMS} from ingest_files f where file_id > $1`, [
        since,
      ])
      if (since === this.#afterFileId) this.#latest = sum(base, numbers(rows[0]))
      return [
        ...off.map(
          row => `counter ${row.file_name}: ${row.what} ${row.told}, ${row.counted} counted`,
        ),
        ...unwell.map(
          row => `file ${row.file_name}: a healthy file, found ${row.status} (${row.message})`,
        ),
      ]
    } finally {
      await tx.query('commit')
    }
  }
}

const SUMS = `coalesce(sum(rows_loaded), 0) as "rowsLoaded", coalesce(sum(rows_duplicate), 0) as "rowsDuplicate",
              coalesce(sum(rows_rejected), 0) as "rowsRejected",
              count(*) filter (where archived_at is not null) as "filesDone",
              count(*) filter (where archived_at is null) as "filesWaiting"`

/** Both tables have an index on file_id, so that only what is new is read. */
const OFF = `
  with told as (select * from ingest_files where file_id > $1),
       loaded as (select file_id, count(*) as n from user_activity where file_id > $1 group by 1),
       rejected as (select file_id, count(*) as n from user_activity_errors where file_id > $1 group by 1),
       compared as (
         select coalesce(t.file_name, 'file_id ' || l.file_id) as file_name, 'rows_loaded' as what,
                coalesce(t.rows_loaded, 0) as told, coalesce(l.n, 0) as counted
           from told t full join loaded l using (file_id)
         union all
         select coalesce(t.file_name, 'file_id ' || r.file_id), 'rows_rejected',
                coalesce(t.rows_rejected, 0), coalesce(r.n, 0)
           from told t full join rejected r using (file_id))
  select * from compared where told <> counted limit 10`

/** A parked one is tried again: see docs/decisions/0011. It must be done by the next proof. */
const UNWELL = `
  select file_name, status, coalesce(message, reason) as message from ingest_files
   where file_id > $1 and status in ('missing', 'refused') limit 10`

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: 'soak watch',
    query_timeout: 30_000,
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function numbers(row: Record<keyof Seen, string>): Seen {
  return Object.fromEntries(
    Object.entries(row).map(([name, text]) => [name, Number(text)]),
  ) as never
}

function sum(a: Seen, b: Seen): Seen {
  const names = Object.keys(a) as (keyof Seen)[]
  return Object.fromEntries(names.map(name => [name, a[name] + b[name]])) as never
}
