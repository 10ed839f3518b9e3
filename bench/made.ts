import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { timed } from './child.ts'
import { countIds, countRows, rewrite, split } from './lines.ts'
import { service } from './services.ts'
import { isSpoiled, SPOILED_EVERY, spoil } from './spoil.ts'

/** A file, how many rows it holds, and how many of them a table must hold afterwards. */
export interface MadeFile {
  readonly path: string
  readonly rows: number
  readonly loads: number
}

/** A folder of files that hold the rows of one file, in its order. */
export interface MadeFolder {
  readonly path: string
  readonly files: number
  readonly rows: number
  readonly loads: number
}

/** The rows that are measured; each file is made when first asked for, and kept for the whole run. */
export interface Made {
  /** Where they are. */
  readonly folder: string
  /** UUIDv7 ids, as the generator makes them. */
  plain(rows: number): Promise<MadeFile>
  /** The same rows under random ids, UUIDv4. */
  randomIds(rows: number): Promise<MadeFile>
  /** A tenth of the lines repeat earlier ones. */
  duplicates(rows: number): Promise<MadeFile>
  /** A tenth of the lines are spoiled, in every way that a line can be by itself. */
  spoiled(rows: number): Promise<MadeFile>
  /** `file_id` and `line_no` as two more columns: for tools that cannot add them. */
  withLineage(file: MadeFile): Promise<MadeFile>
  inFilesOf(rowsPerFile: number, file: MadeFile): Promise<MadeFolder>
  /** The CSV files of a folder that may be on another mount, or not ours. */
  copied(folder: string, name: string): Promise<MadeFolder>
  /** Sixty files of 50 to 100 rows, as the original generator left them. */
  likeTheOriginal(): Promise<MadeFolder>
}

const SEED = ['--seed', '1', '--start-time', '2026-01-02T00:00:00Z']
const DUPLICATE_RATE = '0.1'

export function madeIn(workDir: string, signal: AbortSignal, say: (line: string) => void): Made {
  const folder = join(workDir, 'made')

  async function once(name: string, make: (path: string) => Promise<unknown>): Promise<string> {
    const path = join(folder, name)
    if (existsSync(path)) return path
    say(`making ${name}`)
    await mkdir(folder, { recursive: true })
    await make(`${path}.unfinished`)
    await rename(`${path}.unfinished`, path)
    return path
  }

  /** What the generator leaves in its input folder. */
  async function generated(path: string, flags: readonly string[]): Promise<void> {
    const { command, args } = await service('generate')
    const env = { DATA_DIR: path, LOG_LEVEL: 'warn' }
    await timed(command, [...args, ...SEED, ...flags], { env, signal })
  }

  async function oneGenerated(name: string, rows: number, flags: readonly string[] = []) {
    const path = await once(`${name}-${rows}.csv`, async path => {
      await generated(`${path}.data`, ['--files', '1', '--rows', `${rows}`, ...flags])
      const input = join(`${path}.data`, 'input')
      const [only] = await readdir(input)
      await rename(join(input, only!), path)
      await rm(`${path}.data`, { recursive: true })
    })
    return { path, rows, loads: rows }
  }

  async function variant(name: string, of: MadeFile, change: (line: string, no: number) => string) {
    const path = await once(`${name}-${basename(of.path)}`, path => rewrite(of.path, path, change))
    return { path, rows: of.rows, loads: of.rows }
  }

  const plain = (rows: number) => oneGenerated('plain', rows)
  return {
    folder,
    plain,
    async duplicates(rows) {
      const file = await oneGenerated('duplicates', rows, ['--duplicate-rate', DUPLICATE_RATE])
      return { ...file, loads: await countIds(file.path) }
    },
    randomIds: async rows =>
      variant('random-ids', await plain(rows), (line, no) =>
        no === 1 ? line : randomUUID() + line.slice(36),
      ),
    async spoiled(rows) {
      const file = await variant('spoiled', await plain(rows), (line, no) =>
        isSpoiled(no) ? spoil(line, no) : line,
      )
      return { ...file, loads: rows - Math.floor((rows + 1) / SPOILED_EVERY) }
    },
    withLineage: file =>
      variant('lineage', file, (line, no) => line + (no === 1 ? ',file_id,line_no' : `,1,${no}`)),
    async inFilesOf(rowsPerFile, file) {
      const name = `files-of-${rowsPerFile}-${basename(file.path, '.csv')}`
      const path = await once(name, path => split(file.path, path, rowsPerFile))
      return { path, files: Math.ceil(file.rows / rowsPerFile), rows: file.rows, loads: file.rows }
    },
    async copied(from, name) {
      return folderOf(await once(name, path => cp(from, path, { recursive: true })))
    },
    async likeTheOriginal() {
      const path = await once('like-the-original', async path => {
        await generated(`${path}.data`, ['--files', '60', '--rows', '50-100'])
        await rename(join(`${path}.data`, 'input'), path)
        await rm(`${path}.data`, { recursive: true })
      })
      return folderOf(path)
    },
  }
}

/** @param path a folder of CSV files, each with a header */
async function folderOf(path: string): Promise<MadeFolder> {
  const names = (await readdir(path)).filter(name => name.endsWith('.csv'))
  const counts = await Promise.all(names.map(name => countRows(join(path, name))))
  const rows = counts.reduce((sum, count) => sum + count, 0)
  return { path, files: names.length, rows, loads: rows }
}
