import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Child, startChild } from '../child.ts'
import { put } from '../folders.ts'
import { firstLine } from '../programs.ts'
import type { Database } from '../stand.ts'
import type { Job, Peer } from './peer.ts'

const BATCH_ROWS = 20_000
// Counting a million rows costs 50 ms of the same two cores: seldom.
const LOOK_MS = 250

/** No row more in this time: it fails for ever, and says so in its log alone. */
const PATIENCE_MS = 30_000

// The views of the table stand in the way, and nobody asks them here.
const TEXT_IDS = `
  do $$ declare view text; begin
    for view in select viewname from pg_views where schemaname = 'public' loop
      execute format('drop view if exists %I cascade', view);
    end loop;
  end $$;
  alter table user_activity alter column event_id type text`

/**
 * `directory_monitor`, the CSV parser and the PostgreSQL output (which uses COPY). That output sends
 * texts as texts, which the server refuses for a uuid: for this peer alone `event_id` is a text.
 */
export const telegraf: Peer = {
  name: 'Telegraf',
  needs: 'telegraf (Go module github.com/influxdata/telegraf) in bin/',
  takesLineage: true,
  version: peersDir => firstLine(join(peersDir, 'bin', 'telegraf'), ['--version']),
  async load({ bench, database, data, what }: Job) {
    await put(what, data.input)
    const settings = join(data.path, 'telegraf.conf')
    await writeFile(settings, configuration(database, data.path, data.input))
    const client = await database.connect()
    await client.query(TEXT_IDS)
    const startedMs = performance.now()
    const child = startChild(
      join(bench.peersDir, 'bin', 'telegraf'),
      ['--config', settings, '--quiet'],
      { signal: bench.signal },
    )
    try {
      await allStored(client, what.rows, child)
      return { value: (performance.now() - startedMs) / 1000, memoryMb: child.memoryMb() }
    } finally {
      child.process.kill('SIGTERM')
      await child.closed
      await client.end()
    }
  },
}

/** It never ends by itself: the end is when the last row can be seen. */
async function allStored(client: pg.Client, rows: number, child: Child): Promise<void> {
  let stored = 0
  let progressMs = performance.now()
  for (;;) {
    const { rows: found } = await client.query('select count(*)::int as n from user_activity')
    if (found[0].n >= rows) return
    if (found[0].n > stored) {
      stored = found[0].n
      progressMs = performance.now()
    }
    if (child.hasEnded() || performance.now() - progressMs > PATIENCE_MS) {
      throw new Error(`telegraf stored ${stored} of ${rows} rows: ${child.stderr()}`)
    }
    await sleep(LOOK_MS)
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
  name_override = "user_activity"
  csv_timestamp_column = "event_time"
  csv_timestamp_format = "2006-01-02 15:04:05.999999"

[[outputs.postgresql]]
  connection = "${database.url}"
  timestamp_column_name = "event_time"
  timestamp_column_type = "timestamp with time zone"
  create_templates = []
  add_column_templates = []
  log_level = "error"
`
}
