import type { Column } from '../contract/event.ts'
import { parseLine } from './parse.ts'
import type { Reject } from './segment.ts'

/**
 * Where in its line a reject is at fault, in characters from 1, as editors count: where the field
 * begins, the byte that does not belong there, the quote that breaks it, or the end of a line that is
 * too short.
 */
export function columnOf({ raw, reason, column }: Reject, columns: readonly Column[]): number {
  const parsed = parseLine(raw)
  if (!parsed.ok && parsed.at !== undefined) return characters(raw.subarray(0, parsed.at)) + 1
  const text = raw.toString()
  const { starts, brokenAt } = fieldStarts(text)
  const at =
    reason === 'bad_quote'
      ? (brokenAt ?? 0)
      : reason === 'column_count'
        ? (starts[columns.length] ?? text.length)
        : column === null
          ? 0
          : (starts[columns.indexOf(column)] ?? 0)
  return [...text.slice(0, at)].length + 1
}

/** Where each field begins, by RFC 4180, and where the line stops being such. */
function fieldStarts(text: string): { starts: number[]; brokenAt: number | null } {
  const starts: number[] = []
  for (let at = 0; ; at++) {
    const start = at
    starts.push(start)
    if (text[at] === '"') {
      const close = /"(?:[^"]|"")*"/y
      close.lastIndex = at
      if (!close.test(text)) return { starts, brokenAt: start }
      at = close.lastIndex
      if (at < text.length && text[at] !== ',') return { starts, brokenAt: at }
    } else {
      const comma = text.indexOf(',', at)
      at = comma < 0 ? text.length : comma
      const stray = text.slice(start, at).indexOf('"')
      if (stray >= 0) return { starts, brokenAt: start + stray }
    }
    if (at >= text.length) return { starts, brokenAt: null }
  }
}

function characters(bytes: Buffer): number {
  return [...bytes.toString()].length
}
