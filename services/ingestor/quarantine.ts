import type { Transaction } from '../runtime/database.ts'
import type { Batch } from './batch.ts'
import { copyIn } from './load.ts'
import type { Left } from './merge.ts'
import { lineAt, type Reject } from './segment.ts'
import { placeOf, tuplesOf } from './tuple.ts'

const KEPT = 'file_id, line_no, byte_offset, reason, column_name, error_message, raw_line'
const COPY = `copy user_activity_errors (${KEPT}) from stdin (format csv)`

/** Keeps rejected lines with their place, their reason and their bytes. */
export async function quarantine(tx: Transaction, rejects: readonly Reject[]): Promise<void> {
  if (rejects.length > 0) await copyIn(tx, COPY, [Buffer.from(rejects.map(copyLine).join(''))])
}

/** The rejects among the rows that the table would not take, with the bytes they had in the file. */
export function rejectsAmong(left: readonly Left[], batch: Batch): Reject[] {
  const refused = new Map(left.filter(({ reject }) => reject).map(row => [key(row), row.reject!]))
  if (refused.size === 0) return []
  return batch.segments.flatMap(segment =>
    tuplesOf(segment.copy).flatMap((tuple, index) => {
      const place = placeOf(tuple)
      const reject = refused.get(key(place))
      if (!reject) return []
      const column = reject.reason === 'id_conflict' ? ('event_id' as const) : null
      const byteOffset = segment.offsets[index]!
      return [{ ...place, ...reject, column, byteOffset, raw: lineAt(segment, byteOffset) }]
    }),
  )
}

function key({ fileId, lineNo }: { fileId: number; lineNo: number }): string {
  return `${fileId}:${lineNo}`
}

function copyLine({ fileId, lineNo, byteOffset, reason, column, message, raw }: Reject): string {
  return `${fileId},${lineNo},${byteOffset},${reason},${column ?? ''},${quoted(message)},\\x${raw.toString('hex')}\n`
}

// PostgreSQL's text cannot hold NUL; a message quotes what it found as JSON, so none should be left.
function quoted(text: string): string {
  return `"${text.replaceAll('\0', '\\0').replaceAll('"', '""')}"`
}
