import { COLUMNS, type Column, type Event, EXPECTED, eventSchema } from '../contract/event.ts'
import type { RejectReason } from '../contract/reasons.ts'
import { shown } from '../contract/shown.ts'

export type Validated =
  | { ok: true; event: Event }
  | { ok: false; reason: RejectReason; column: Column | null; message: string }

/** Holds the fields of one line against the schema; `columns` is the order of the file's header. */
export function validate(fields: readonly string[], columns: readonly Column[]): Validated {
  if (fields.length !== columns.length) {
    const message = `expected ${columns.length} fields, found ${fields.length}`
    return { ok: false, reason: 'column_count', column: null, message }
  }
  const row = Object.fromEntries(columns.map((column, index) => [column, fields[index]]))
  const result = eventSchema.safeParse(row)
  if (result.success) return { ok: true, event: result.data }
  const faults = COLUMNS.flatMap(column => {
    const issue = result.error.issues.find(({ path }) => path[0] === column)
    return issue ? [{ column, reason: issue.message as RejectReason }] : []
  })
  const { column, reason } = faults[0]!
  const message = faults
    .map(({ column }) => `${column}: expected ${EXPECTED[column]}, found ${shown(row[column]!)}`)
    .join('; ')
  return { ok: false, reason, column, message }
}
