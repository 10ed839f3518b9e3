import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import { REJECT_REASONS } from '../contract/reasons.ts'
import type { Pool } from '../runtime/database.ts'
import { migrations } from '../runtime/migrations.ts'
import { backlog } from './backlog.ts'
import type { Stored } from './commit.ts'
import type { Spent } from './spent.ts'

const SHARED = 'in the database: the same from every ingestor'

/** Of the client library's own: their names break Prometheus' conventions (`promtool check metrics`). */
const ILL_NAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
]

/**
 * The metrics of one ingestor, after Prometheus' conventions: base units, `_total` for counters,
 * moments instead of ages. Written to once a batch; what waits is asked for at each scrape.
 */
export class Metrics {
  readonly registry = new Registry()
  readonly #rows = this.#counter('ingest_rows_total', 'Rows of committed batches', ['outcome'])
  readonly #rejects = this.#counter('ingest_rejects_total', 'Rejected lines by reason', ['reason'])
  readonly #bytes = this.#counter('ingest_bytes_total', 'Bytes of input whose rows are committed')
  readonly #files = this.#counter('ingest_files_total', 'Files that reached an end', ['status'])
  readonly #batches = this.#counter('ingest_batches_total', 'Committed transactions', ['mode'])
  readonly #retries = this.#counter(
    'ingest_retries_total',
    'Tries that failed, and were made again',
    ['what'],
  )
  readonly #fenced = this.#counter('ingest_fenced_total', 'Files given up to another owner')
  readonly #evicted = this.#counter('ingest_evictions_total', 'Sessions of frozen ingestors ended')
  readonly #lastCommit = this.#gauge(
    'ingest_last_commit_timestamp_seconds',
    'When a batch was last committed; the start of the process before the first',
  )
  readonly #fileToCommit = this.#histogram(
    'ingest_file_to_commit_seconds',
    'From the discovery of a file to the commit of its last row',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  )
  readonly #stages = this.#histogram(
    'ingest_stage_duration_seconds',
    'What one batch takes in each stage',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    ['stage'],
  )
  readonly #databaseUp = this.#gauge(
    'ingest_database_up',
    'Whether the database answered this scrape',
  )
  readonly #pendingFiles = this.#gauge(
    'ingest_pending_files',
    `Files with bytes to load, ${SHARED}`,
  )
  readonly #pendingBytes = this.#gauge('ingest_pending_bytes', `Bytes to load, ${SHARED}`)
  readonly #oldest = this.#gauge(
    'ingest_oldest_pending_timestamp_seconds',
    `When the file that waits longest was found, 0 where none waits, ${SHARED}`,
  )
  readonly #parked = this.#gauge(
    'ingest_parked_files',
    `Files given up after three tries, ${SHARED}`,
  )
  readonly #paused = this.#gauge('ingest_paused', `1 while ingest_pause() holds, ${SHARED}`)
  readonly #discrepancies = this.#gauge(
    'ingest_discrepancies',
    `Rows of ingest_discrepancies, counted every five minutes, NaN where that took too long, ${SHARED}`,
  )
  readonly #deaf = this.#gauge(
    'ingest_watcher_failed',
    '1 while new files are found by listing the folder alone, since no event of it is heard',
  )
  readonly #connections = this.#gauge('ingest_pool_connections', 'Database connections', [
    'pool',
    'state',
  ])

  readonly #pools: { commits: Pool; control: Pool }

  /** @param pools by name, `control` among them: that one is asked what waits */
  constructor(pools: { commits: Pool; control: Pool }) {
    this.#pools = pools
    collectDefaultMetrics({ register: this.registry })
    for (const name of ILL_NAMED) this.registry.removeSingleMetric(name)
    for (const outcome of ['loaded', 'duplicate', 'rejected']) this.#rows.inc({ outcome }, 0)
    for (const reason of Object.keys(REJECT_REASONS)) this.#rejects.inc({ reason }, 0)
    for (const status of ['done', 'refused', 'missing']) this.#files.inc({ status }, 0)
    for (const mode of ['copy', 'sift', 'merge', 'bisect']) this.#batches.inc({ mode }, 0)
    for (const what of ['connect', 'discover', 'claim', 'commit', 'release'])
      this.#retries.inc({ what }, 0)
    for (const stage of ['judge', 'load', 'commit', 'archive']) this.#stages.zero({ stage })
    this.#lastCommit.setToCurrentTime()
    this.#discrepancies.set(Number.NaN)
    this.#gauge('ingest_build_info', 'Versions, always 1', ['node_version', 'schema_version']).set(
      { node_version: process.version, schema_version: String(migrations().at(-1)!.version) },
      1,
    )
  }

  stored({ moves, rejects, mode }: Stored): void {
    for (const move of moves) {
      this.#rows.inc({ outcome: 'loaded' }, move.loaded)
      this.#rows.inc({ outcome: 'duplicate' }, move.duplicate)
      this.#rows.inc({ outcome: 'rejected' }, move.rejected)
      this.#bytes.inc(move.to - move.from)
      if (move.next.status !== 'active' && move.to > move.from) {
        this.#fileToCommit.observe((Date.now() - move.claim.discoveredAt.getTime()) / 1000)
      }
      if (!['active', 'pending'].includes(move.next.status))
        this.#files.inc({ status: move.next.status })
    }
    for (const { reason } of rejects) this.#rejects.inc({ reason })
    this.#batches.inc({ mode })
    this.#lastCommit.setToCurrentTime()
  }

  readonly spent: Spent = (stage, ms) => this.#stages.observe({ stage }, ms / 1000)

  /** A file that was refused at sight. */
  refused(): void {
    this.#files.inc({ status: 'refused' })
  }

  retried(what: string): void {
    this.#retries.inc({ what })
  }

  fenced(files: number): void {
    this.#fenced.inc(files)
  }

  evicted(sessions: number): void {
    this.#evicted.inc(sessions)
  }

  deaf(isDeaf: boolean): void {
    this.#deaf.set(Number(isDeaf))
  }

  discrepancies(found: number | null): void {
    this.#discrepancies.set(found ?? Number.NaN)
  }

  /** All of it in Prometheus' text format, with a fresh look at the database. */
  async scraped(): Promise<string> {
    for (const [pool, { idleCount, totalCount, waitingCount }] of Object.entries(this.#pools)) {
      this.#connections.set({ pool, state: 'idle' }, idleCount)
      this.#connections.set({ pool, state: 'busy' }, totalCount - idleCount)
      this.#connections.set({ pool, state: 'awaited' }, waitingCount)
    }
    const found = await backlog(this.#pools.control).catch(() => null)
    this.#databaseUp.set(found ? 1 : 0)
    this.#pendingFiles.set(found?.files ?? Number.NaN)
    this.#pendingBytes.set(found?.bytes ?? Number.NaN)
    this.#oldest.set(found?.oldestSince ?? Number.NaN)
    this.#parked.set(found?.parked ?? Number.NaN)
    this.#paused.set(found ? Number(found.paused) : Number.NaN)
    return this.registry.metrics()
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    return new Counter<Label>({ name, help, labelNames, registers: [this.registry] })
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: Label[] = []) {
    return new Gauge<Label>({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ) {
    return new Histogram<Label>({ name, help, buckets, labelNames, registers: [this.registry] })
  }
}
