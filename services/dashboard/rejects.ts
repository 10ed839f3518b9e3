import { shown } from '../contract/shown.ts'
import type { Transaction } from '../runtime/database.ts'
import type { RejectGroup, Rejects } from './shape.ts'

/** Rejects are counted by group from this many of the newest: a bounded look, whatever is kept. */
const NEWEST = 50_000
const SAMPLES = 3
const SAMPLE_BYTES = 300

/** Those that nobody has mended since. */
export async function groupRejects(tx: Transaction): Promise<Rejects> {
  const { rows } = await tx.query(
    `with newest as materialized (
       select error_id, reason, column_name
         from user_activity_errors
        where error_id > (select max(error_id) - ${NEWEST} from user_activity_errors)
          and resolved_at is null
     ), ranked as (
       select error_id,
              count(*) over (partition by reason, column_name) as n,
              row_number() over (partition by reason, column_name order by error_id desc) as place
         from newest
     )
     select e.reason, e.column_name, r.n, e.error_message, e.line_no, e.ingestion_time,
            (select min(error_id) > max(error_id) - ${NEWEST} from user_activity_errors) as are_all,
            substring(e.raw_line for ${SAMPLE_BYTES}) as line,
            coalesce(f.file_name, format('file %s', e.file_id)) as file_name
       from ranked r
       join user_activity_errors e using (error_id)
       left join ingest_files f using (file_id)
      where r.place <= ${SAMPLES}
      order by r.n desc, e.reason, e.column_name, r.place`,
  )
  const groups = new Map<string, RejectGroup>()
  for (const row of rows) {
    const key = `${row.reason} ${row.column_name}`
    const group: RejectGroup = groups.get(key) ?? {
      reason: row.reason,
      column: row.column_name,
      rows: row.n,
      newestAtMs: row.ingestion_time.getTime(),
      samples: [],
    }
    groups.set(key, group)
    group.samples.push({
      file: row.file_name,
      lineNo: row.line_no,
      message: row.error_message,
      line: shown(row.line.toString('utf8'), SAMPLE_BYTES),
    })
  }
  const counted = [...groups.values()].reduce((sum, { rows }) => sum + rows, 0)
  return { groups: [...groups.values()], counted, all: rows[0]?.are_all ?? true }
}
