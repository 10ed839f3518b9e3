import { parse } from 'csv-parse/sync'
import { COLUMNS, type Event, eventSchema } from '../../services/contract/event.ts'

/** What must become of a line, by csv-parse and the schema alone, as slow and as plain as can be. */
export type Verdict = { ok: true; event: Event } | { ok: false; reason: string }

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @param line without its end */
export function verdictOn(line: Buffer): Verdict {
  if (line.includes(0)) return { ok: false, reason: 'nul_byte' }
  let text: string
  try {
    text = strict.decode(line)
  } catch {
    return { ok: false, reason: 'invalid_utf8' }
  }
  if (text.includes('\r')) return { ok: false, reason: 'lone_cr' }
  if (/[\x01-\x1f\x7f]/.test(text)) return { ok: false, reason: 'control_character' }
  let fields: string[]
  try {
    fields = (parse(text, { relax_column_count: true, record_delimiter: '\n' }) as string[][])[0]!
  } catch {
    return { ok: false, reason: 'bad_quote' }
  }
  if (fields.length !== COLUMNS.length) return { ok: false, reason: 'column_count' }
  const named = Object.fromEntries(COLUMNS.map((column, index) => [column, fields[index]]))
  const { data, error } = eventSchema.safeParse(named)
  if (data) return { ok: true, event: data }
  // The reason of a line is that of its first column at fault.
  const byColumn = COLUMNS.map(column => error!.issues.find(({ path }) => path[0] === column))
  return { ok: false, reason: byColumn.find(issue => issue !== undefined)!.message }
}
