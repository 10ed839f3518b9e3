import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../child.ts'
import { put } from '../folders.ts'
import type { Database } from '../stand.ts'
import { isProgram, type Job, type Peer } from './peer.ts'

const BATCH_ROWS = 20_000
// Counting a million rows costs 50 ms of the same two cores: seldom.
const LOOK_MS = 250

/** `directory_monitor`, the CSV parser and the PostgreSQL output (which uses COPY). */
export const telegraf: Peer = {
  name: 'Telegraf',
  needs: 'telegraf (Go module github.com/influxdata/telegraf) in bin/',
  takesLineage: true,
  isInstalled: peersDir => isProgram(join(peersDir, 'bin', 'telegraf')),
  async load({ bench, database, data, what }: Job) {
    await put(what, data.input)
    const settings = join(data.path, 'telegraf.conf')
    await writeFile(settings, configuration(database, data.path, data.input))
    const startedMs = performance.now()
    const child = startChild(
      join(bench.peersDir, 'bin', 'telegraf'),
      ['--config', settings, '--quiet'],
      { signal: bench.signal },
    )
    try {
      await allStored(database, what.rows, child)
      return { value: (performance.now() - startedMs) / 1000, memoryMb: child.memoryMb() }
    } finally {
      child.process.kill('SIGTERM')
      await child.closed
    }
  },
}

/** It never ends by itself: the end is when the last row can be seen. */
async function allStored(database: Database, rows: number, child: Child): Promise<void> {
  const client = await database.connect()
  try {
    for (;;) {
      const { rows: found } = await client.query('select count(*)::int as n from user_activity')
      if (found[0].n >= rows) return
      if (child.process.exitCode !== null) throw new Error(`telegraf ended: ${child.stderr()}`)
      await sleep(LOOK_MS)
    }
  } finally {
    await client.end()
  }
}

function configuration(database: Database, dataPath: string, input: string): string {
  return `
[agent]
  interval = "100ms"
  flush_interval = "100ms"
  metric_batch_size = ${BATCH_ROWS}
  metric_buffer_limit = ${BATCH_ROWS * 10}
  omit_hostname = true

[[inputs.directory_monitor]]
  directory = "${input}"
  finished_directory = "${join(dataPath, 'finished')}"
  directory_duration_threshold = "0s"
  max_buffered_metrics = ${BATCH_ROWS * 5}
  data_format = "csv"
  csv_header_row_count = 1
  csv_measurement_name = "user_activity"
  csv_timestamp_column = "event_time"
  csv_timestamp_format = "2006-01-02 15:04:05.999999"
  csv_column_names = []

[[outputs.postgresql]]
  connection = "${database.url}"
  timestamp_column_name = "event_time"
  timestamp_column_type = "timestamp with time zone"
  create_templates = []
  add_column_templates = []
  log_level = "error"
`
}
