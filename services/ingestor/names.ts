import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { judgeFileName, MAX_FILE_NAME_BYTES } from '../contract/dialect.ts'

/**
 * A name that cannot be shown or stored as it is, with every byte that is not plain written `\xNN`.
 * Accepted names hold no backslash, so the two never meet.
 */
export function escapeName(name: Buffer): string {
  return [...name]
    .map(byte =>
      isPlain(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('')
}

/** The bytes that `escapeName` was given. */
export function unescapeName(name: string): Buffer {
  return Buffer.from(
    name.replace(/\\x(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

/** How a name of a folder's listing is stored: as it is where it is acceptable, else escaped. */
export function storedName(raw: Buffer): {
  name: string
  verdict: 'accepted' | 'unfinished' | 'bad'
} {
  const verdict = isUtf8(raw) ? judgeFileName(raw.toString()) : 'bad'
  return { name: verdict === 'bad' ? escapeName(raw) : raw.toString(), verdict }
}

/** A name of bounded length for the archive: `stem.2.csv` for the second of its kind. */
export function numbered(name: string, number: number): string {
  const safe =
    Buffer.byteLength(name) <= MAX_FILE_NAME_BYTES
      ? name
      : `${name.slice(0, 100)}~${hash('sha256', name).slice(0, 12)}.csv`
  return number === 1 ? safe : safe.replace(/(\.csv)?$/i, `.${number}$1`)
}

function isPlain(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== 0x5c
}
