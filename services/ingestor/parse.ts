import { isUtf8 } from 'node:buffer'
import { parse } from 'csv-parse/sync'
import type { RejectReason } from '../contract/reasons.ts'
import { shown } from '../contract/shown.ts'

export interface LineFault {
  ok: false
  reason: RejectReason
  message: string
  /** Byte of the line at which it stands, where that is one place. */
  at?: number
}

export type Fields = { ok: true; fields: string[] } | LineFault

/**
 * The fields of one line, RFC 4180 with no line break inside a field. Bytes are judged before they
 * become text and text before it is split, so that nothing is repaired on the way.
 * @param bytes the line without its LF or CRLF
 */
export function parseLine(bytes: Buffer): Fields {
  const nul = bytes.indexOf(0)
  if (nul >= 0) return fault('nul_byte', nul, 'no NUL byte', 'one')
  if (!isUtf8(bytes)) return fault('invalid_utf8', firstInvalid(bytes), 'UTF-8', 'other bytes')
  const text = bytes.toString()
  const control = /\r/.exec(text) ?? /[\x01-\x1f\x7f]/.exec(text)
  if (control) {
    const at = Buffer.byteLength(text.slice(0, control.index))
    const reason = control[0] === '\r' ? 'lone_cr' : 'control_character'
    return fault(reason, at, 'no control character', shown(control[0]))
  }
  return text.includes('"') ? parseQuoted(text) : { ok: true, fields: text.split(',') }
}

// csv-parse is the authority on quotes; a line without one needs no parser, and a property test
// holds both ways equal.
function parseQuoted(text: string): Fields {
  // Its error is a verdict on a line: nobody reads the stack, which takes as long as all the rest.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    const [fields = []] = parse(text, {
      relax_column_count: true,
      max_record_size: 0,
      trim: false,
      record_delimiter: '\n',
    }) as string[][]
    return { ok: true, fields }
  } catch (error) {
    const { code } = error as { code?: string }
    const found =
      code === 'CSV_QUOTE_NOT_CLOSED'
        ? 'a quote that is never closed'
        : 'a quote inside a field that does not begin with one, or text after a closing one'
    return {
      ok: false,
      reason: 'bad_quote',
      message: `expected fields quoted as in RFC 4180, found ${found}`,
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function fault(reason: RejectReason, at: number, expected: string, found: string): LineFault {
  return {
    ok: false,
    reason,
    at,
    message: `byte ${at + 1} of the line: expected ${expected}, found ${found}`,
  }
}

const REPLACEMENT = Buffer.from('\ufffd')

/** Decoding puts U+FFFD where bytes are no UTF-8: the first one that the bytes do not spell out. */
function firstInvalid(bytes: Buffer): number {
  const text = bytes.toString()
  let at = 0
  for (let from = 0; ; from++) {
    const next = text.indexOf('\ufffd', from)
    at += Buffer.byteLength(text.slice(from, next))
    if (!bytes.subarray(at, at + REPLACEMENT.length).equals(REPLACEMENT)) return at
    at += REPLACEMENT.length
    from = next
  }
}
