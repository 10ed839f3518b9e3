import { COLUMNS } from '../contract/event.ts'
import type { Client } from '../runtime/database.ts'
import type { Batch } from './batch.ts'
import { copyRows } from './load.ts'
import { TUPLE_COLUMNS } from './tuple.ts'

export interface Found {
  fileId: number
  lineNo: number
  message: string
}

/** What of a batch that was read once more is not in the tables as it should be. */
export async function compareBatch(client: Client, batch: Batch): Promise<Found[]> {
  const found = [...(await compareRows(client, batch)), ...(await compareRejects(client, batch))]
  return found.sort((a, b) => a.fileId - b.fileId || a.lineNo - b.lineNo)
}

const DIFFERS = COLUMNS.slice(1)
  .map(
    column =>
      `case when a.${column} <> u.${column} then format('${column}: the file says %s, the table %s', a.${column}, u.${column}) end`,
  )
  .join(', ')

async function compareRows(client: Client, { segments, rows: count }: Batch): Promise<Found[]> {
  if (count === 0) return []
  await client.query(
    `create temp table if not exists audited as select ${TUPLE_COLUMNS} from user_activity with no data`,
  )
  await client.query('truncate audited')
  await copyRows(client, 'audited', { tuples: segments.map(({ copy }) => copy), count })
  const { rows } = await client.query(
    `select * from (
       select a.file_id, a.line_no,
              case
                when e.resolved_at is null and e.error_id is not null
                  then case when (u.file_id, u.line_no) = (a.file_id, a.line_no)
                         then 'it is loaded, and rejected as well' end
                when u.event_id is null then format('event_id %s is not in user_activity', a.event_id)
                else nullif(concat_ws('; ', ${DIFFERS}), '')
              end as message
         from audited a
         left join user_activity u using (event_id)
         left join user_activity_errors e on (e.file_id, e.line_no) = (a.file_id, a.line_no)) c
      where message is not null`,
  )
  return rows.map(foundOf)
}

async function compareRejects(
  client: Client,
  { segments, rejects: count }: Batch,
): Promise<Found[]> {
  if (count === 0) return []
  const rejects = segments.flatMap(({ rejects }) => rejects)
  const { rows } = await client.query(
    `select r.file_id, r.line_no,
            case when e.error_id is null
              then format('rejected (%s), but neither loaded nor kept', r.reason)
              else 'the bytes that are kept are not those of the file' end as message
       from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[]) as r (file_id, line_no, reason, raw)
       left join user_activity_errors e on (e.file_id, e.line_no) = (r.file_id, r.line_no)
      where e.raw_line is distinct from r.raw`,
    [
      rejects.map(({ fileId }) => fileId),
      rejects.map(({ lineNo }) => lineNo),
      rejects.map(({ reason }) => reason),
      rejects.map(({ raw }) => raw),
    ],
  )
  return rows.map(foundOf)
}

function foundOf(row: { file_id: number; line_no: number; message: string }): Found {
  return { fileId: row.file_id, lineNo: row.line_no, message: row.message }
}
