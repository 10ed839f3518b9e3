import { COLUMNS, type Column } from './event.ts'
import { shown } from './shown.ts'

/** The first line of a file, as the generator writes it; a reader takes the columns in any order. */
export const HEADER = COLUMNS.join(',')

/** Longest accepted file name, in bytes: leaves room for what the archive may append to it. */
export const MAX_FILE_NAME_BYTES = 200

const ACCEPTED_NAME = /^[^\p{C}\p{Zl}\p{Zp}/\\]+\.csv$/iu
const UNFINISHED_NAME = /^[._]|(?:\.(?:tmp|part|partial|crdownload|filepart|swp)|~)$/i

/**
 * `unfinished` names are what editors, browsers, rsync and Spark use for files that nobody should
 * read yet, and hidden files: left alone. `bad` names are refused and reported.
 */
export function judgeFileName(name: string): 'accepted' | 'unfinished' | 'bad' {
  if (UNFINISHED_NAME.test(name)) return 'unfinished'
  const fits = Buffer.byteLength(name) <= MAX_FILE_NAME_BYTES
  return fits && ACCEPTED_NAME.test(name) ? 'accepted' : 'bad'
}

export type HeaderVerdict = { ok: true; columns: Column[] } | { ok: false; message: string }

/** Whether a header names exactly the seven columns, once each, in any order; else the difference. */
export function judgeHeader(names: readonly string[]): HeaderVerdict {
  const faults = [
    describe(
      'missing',
      COLUMNS.filter(column => !names.includes(column)),
    ),
    describe(
      'unknown',
      names.filter(name => !COLUMNS.includes(name as Column)),
    ),
    describe(
      'repeated',
      COLUMNS.filter(column => names.filter(name => name === column).length > 1),
    ),
  ].filter(fault => fault !== '')
  if (faults.length === 0) return { ok: true, columns: names as Column[] }
  return {
    ok: false,
    message: `line 1: expected a header with the columns ${HEADER}, once each in any order; ${faults.join('; ')}`,
  }
}

function describe(fault: string, names: readonly string[]): string {
  if (names.length === 0) return ''
  const first = names.slice(0, 10).map(name => shown(name, 60))
  return `${fault}: ${first.join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`
}
