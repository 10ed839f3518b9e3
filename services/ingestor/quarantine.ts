import type { Transaction } from '../runtime/database.ts'
import type { Batch } from './batch.ts'
import { int16, int32, int64 } from './encode.ts'
import { copyIn } from './load.ts'
import type { Left } from './merge.ts'
import { lineAt, type Reject } from './segment.ts'
import { COPY_HEADER, COPY_TRAILER, placeOf, tuplesOf } from './tuple.ts'

const KEPT = 'file_id, line_no, byte_offset, reason, column_name, error_message, raw_line'
const COPY = `copy user_activity_errors (${KEPT}) from stdin (format binary)`
/** The length that stands for no value. */
const NULL = -1

/** Keeps rejected lines with their place, their reason and their bytes. */
export async function quarantine(tx: Transaction, rejects: readonly Reject[]): Promise<void> {
  if (rejects.length === 0) return
  await copyIn(tx, COPY, [COPY_HEADER, ...rejects.map(tupleOf), COPY_TRAILER])
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

function tupleOf({ fileId, lineNo, byteOffset, reason, column, message, raw }: Reject): Buffer {
  const words = [reason, column, storable(message)]
  const size = words.reduce((sum, word) => sum + Buffer.byteLength(word ?? ''), raw.length)
  const tuple = Buffer.allocUnsafe(2 + 7 * 4 + 3 * 8 + size)
  let to = int16(tuple, 0, 7)
  for (const number of [fileId, lineNo, byteOffset]) to = int64(tuple, int32(tuple, to, 8), number)
  for (const word of words) {
    const length = word === null ? NULL : Buffer.byteLength(word)
    to = int32(tuple, to, length)
    if (word !== null) to += tuple.write(word, to)
  }
  raw.copy(tuple, int32(tuple, to, raw.length))
  return tuple
}

// PostgreSQL's text cannot hold NUL; a message quotes what it found as JSON, so none should be left.
function storable(text: string): string {
  return text.replaceAll('\0', '\\0')
}
