import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import { REJECT_REASONS } from '../contract/reasons.ts'
import type { Stored } from './commit.ts'

/** The metrics of one ingestor, after Prometheus' conventions: base units, `_total` for counters. */
export class Metrics {
  readonly registry = new Registry()
  readonly rows = this.#counter('ingest_rows_total', 'Rows of committed batches', ['outcome'])
  readonly rejects = this.#counter('ingest_rejects_total', 'Rejected lines by reason', ['reason'])
  readonly bytes = this.#counter('ingest_bytes_total', 'Bytes of input whose rows are committed')
  readonly files = this.#counter('ingest_files_total', 'Files that reached an end', ['status'])
  readonly batches = this.#counter('ingest_batches_total', 'Committed transactions', ['mode'])
  readonly retries = this.#counter('ingest_retries_total', 'Tries of the database that failed', [
    'what',
  ])
  readonly fenced = this.#counter('ingest_fenced_total', 'Batches given up to another owner')
  readonly lastCommit = new Gauge({
    name: 'ingest_last_commit_timestamp_seconds',
    help: 'When a batch was last committed',
    registers: [this.registry],
  })
  readonly fileToCommit = new Histogram({
    name: 'ingest_file_to_commit_seconds',
    help: 'From the discovery of a file to the commit of its last row',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    for (const outcome of ['loaded', 'duplicate', 'rejected']) this.rows.inc({ outcome }, 0)
    for (const reason of Object.keys(REJECT_REASONS)) this.rejects.inc({ reason }, 0)
  }

  stored({ moves, rejects, mode }: Stored): void {
    for (const move of moves) {
      this.rows.inc({ outcome: 'loaded' }, move.loaded)
      this.rows.inc({ outcome: 'duplicate' }, move.duplicate)
      this.rows.inc({ outcome: 'rejected' }, move.rejected)
      this.bytes.inc(move.to - move.from)
      if (move.next.status !== 'active' && move.to > move.from) {
        this.fileToCommit.observe((Date.now() - move.claim.discoveredAt.getTime()) / 1000)
      }
      if (!['active', 'pending'].includes(move.next.status))
        this.files.inc({ status: move.next.status })
    }
    for (const { reason } of rejects) this.rejects.inc({ reason })
    this.batches.inc({ mode })
    this.lastCommit.setToCurrentTime()
  }

  #counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }
}
