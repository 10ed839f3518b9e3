import type pg from 'pg'
import { fieldsOf } from './answers.ts'
import type { ExpectedLine, MadeFile } from './made-file.ts'

/**
 * Where one event was written with two contents, several ingestors may come to either first: one is
 * loaded, and whatever says otherwise is `id_conflict`. The table says which it was; the verdicts of
 * all other places of that event follow from it.
 */
export async function settleContested(
  tx: pg.ClientBase,
  files: readonly MadeFile[],
): Promise<MadeFile[]> {
  const contested = new Set(
    files.flatMap(({ lines }) => lines.filter(isConflict).map(({ raw }) => idIn(fieldsOf(raw)))),
  )
  if (contested.size === 0) return [...files]
  const places: { line: ExpectedLine; fields: readonly string[] }[] = []
  for (const line of files.flatMap(({ lines }) => lines)) {
    const fields =
      line.verdict === 'event' ? line.event : isConflict(line) ? fieldsOf(line.raw) : []
    if (contested.has(idIn(fields))) places.push({ line, fields })
  }
  const { rows } = await tx.query(
    `select c.n::int from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::integer[],
                                 $5::numeric[], $6::integer[], $7::text[]) with ordinality
         as c (event_id, event_time, event_type, product_id, price, user_id, session_id, n)
       join user_activity u using (event_id, event_time, event_type, product_id, price, user_id, session_id)`,
    [0, 1, 2, 3, 4, 5, 6].map(index => places.map(({ fields }) => fields[index])),
  )
  const asStored = new Set(rows.map(({ n }) => places[n - 1]!.line))
  const settled = new Map<ExpectedLine, ExpectedLine>(
    places.map(({ line, fields }) => {
      const { lineNo, byteOffset, raw } = line
      const place = { lineNo, byteOffset, raw }
      return [
        line,
        asStored.has(line)
          ? { ...place, verdict: 'event', event: fields }
          : { ...place, verdict: 'reject', reason: 'id_conflict' },
      ]
    }),
  )
  return files.map(file => ({
    ...file,
    lines: file.lines.map(line => settled.get(line) ?? line),
  }))
}

function isConflict(line: ExpectedLine): boolean {
  return line.verdict === 'reject' && line.reason === 'id_conflict'
}

function idIn(fields: readonly string[]): string {
  return fields[0]?.toLowerCase() ?? ''
}
