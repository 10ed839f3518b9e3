import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const CHUNK_LINES = 5_000

/** A file with every line changed; the header is line 1. Latin-1, so that no byte is lost. */
export async function rewrite(
  from: string,
  to: string,
  change: (line: string, lineNo: number) => string,
): Promise<void> {
  async function* changed() {
    let lineNo = 0
    let chunk = ''
    for await (const line of linesOf(from)) {
      chunk += `${change(line, ++lineNo)}\n`
      if (lineNo % CHUNK_LINES > 0) continue
      yield Buffer.from(chunk, 'latin1')
      chunk = ''
    }
    yield Buffer.from(chunk, 'latin1')
  }
  await pipeline(Readable.from(changed()), createWriteStream(to))
}

/** Many files of the same rows, each with the header. */
export async function split(from: string, folder: string, rowsPerFile: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  let header = ''
  let rows: string[] = []
  let files = 0
  const flush = async () => {
    if (rows.length === 0) return
    const name = `rows_${String(++files).padStart(7, '0')}.csv`
    await writeFile(join(folder, name), `${header}\n${rows.join('\n')}\n`, 'latin1')
    rows = []
  }
  for await (const line of linesOf(from)) {
    if (header === '') header = line
    else if (rows.push(line) === rowsPerFile) await flush()
  }
  await flush()
}

/** Lines but for the header. */
export async function countRows(path: string): Promise<number> {
  const lines = (await readFile(path, 'latin1')).trimEnd().split('\n')
  return lines.length - 1
}

/** Different values of the first column, the header's own left out. */
export async function countIds(path: string): Promise<number> {
  const ids = new Set<string>()
  for await (const line of linesOf(path)) ids.add(line.slice(0, line.indexOf(',')))
  return ids.size - 1
}

function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path, 'latin1') })
}
