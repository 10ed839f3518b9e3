import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HEADER } from '../contract/dialect.ts'
import { COLUMNS } from '../contract/event.ts'
import { ConfigurationError } from '../runtime/env.ts'
import type { Line } from './faults.ts'
import { syncFolder } from './sync-folder.ts'

const MAX_RAW_BYTES = 8192
const HEADER_BYTES = HEADER.length + 1

/**
 * The answer key: one JSON object a data line,
 * `{"file","line","offset","verdict","event"}` with the seven texts for `good` and `duplicate`, and
 * `{"file","line","offset","verdict":"reject","reason","raw"}` with at most 8192 bytes of the line,
 * without its line feed, in base64. The header is line 1, offsets are in bytes from the file's start.
 */
export interface Manifest {
  begin(fileName: string): void
  record(lines: readonly Line[]): Promise<void>
  /** On the disk: to be called before the file becomes visible, so that no published file is missing. */
  sync(): Promise<void>
  /** Takes back what was recorded since `begin`. */
  forget(): Promise<void>
  close(): Promise<void>
}

/** @throws ConfigurationError where the file is already there or cannot be made */
export async function openManifest(path: string): Promise<Manifest> {
  const out = await created(path)
  let size = 0
  let sizeBefore = 0
  let position: Position = { file: '', line: 2, offset: HEADER_BYTES }
  return {
    begin(file) {
      sizeBefore = size
      position = { file, line: 2, offset: HEADER_BYTES }
    },
    async record(lines) {
      const text = Buffer.from(lines.map(line => entry(line, position)).join(''))
      await out.appendFile(text)
      size += text.length
    },
    sync: () => out.sync(),
    async forget() {
      size = sizeBefore
      await out.truncate(size)
    },
    close: () => out.close(),
  }
}

interface Position {
  readonly file: string
  line: number
  offset: number
}

function entry(line: Line, position: Position): string {
  const { file } = position
  const place = { file, line: position.line++, offset: position.offset, verdict: line.verdict }
  position.offset += line.bytes.length
  if (line.verdict === 'reject') {
    const raw = line.bytes.subarray(0, Math.min(line.bytes.length - 1, MAX_RAW_BYTES))
    return `${JSON.stringify({ ...place, reason: line.reason, raw: raw.toString('base64') })}\n`
  }
  const event = Object.fromEntries(COLUMNS.map((column, index) => [column, line.row[index]]))
  return `${JSON.stringify({ ...place, event })}\n`
}

// 'wx': a second run that wrote into the answers of a first would leave both in doubt.
async function created(path: string): Promise<FileHandle> {
  try {
    const out = await open(path, 'wx')
    await syncFolder(dirname(path))
    return out
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new ConfigurationError([
      code === 'EEXIST'
        ? `--manifest: expected a file that is not there yet, found ${path}`
        : `--manifest: expected a file that can be made, found ${path} (${code})`,
    ])
  }
}
