import { appendFileSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../runtime/folder.ts'

const LARGEST_BYTES = 10 * 1024 * 1024

/** A log file that keeps at most twice 10 MiB: a full one becomes `<path>.1`, and the one before is gone. */
export function openLogFile(path: string): { append(text: string): void } {
  makeFolder(dirname(path))
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return {
    append(text) {
      if (bytes > LARGEST_BYTES) {
        renameSync(path, `${path}.1`)
        bytes = 0
      }
      appendFileSync(path, text)
      bytes += Buffer.byteLength(text)
    },
  }
}
