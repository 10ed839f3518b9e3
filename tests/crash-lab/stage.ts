import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Chance } from '../support/chance.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { type Life, startLife } from '../support/life.ts'
import { type OwnServer, ownServer } from '../support/own-server.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { Ingestor } from './ingestor.ts'

/** The whole system in a folder of its own, gone at the end. */
export interface Stage {
  readonly server: OwnServer
  readonly database: TestDatabase
  readonly folders: Folders
  readonly ingestors: readonly [Ingestor, Ingestor]
  readonly chance: Chance
  /** What generators say that they wrote. */
  readonly manifests: string[]
  readonly logs: string
}

export async function openStage(seed: number): Promise<Stage> {
  const folders = await freshFolders()
  const logs = join(folders.root, 'logs')
  await mkdir(logs)
  const server = await ownServer()
  const ingestors = await Promise.all([
    Ingestor.placed('ingestor A', server, folders, logs),
    Ingestor.placed('ingestor B', server, folders, logs),
  ])
  await Promise.all(ingestors.map(ingestor => ingestor.start()))
  const { database } = server
  return { server, database, folders, ingestors, logs, chance: new Chance(seed), manifests: [] }
}

/** The real generator, on its way to write `files` files of so many rows. */
export async function generator(stage: Stage, rows: number): Promise<Life> {
  const { folders, chance, manifests, logs } = stage
  const manifest = join(await mkdtemp(join(folders.root, 'answers-')), 'manifest.jsonl')
  manifests.push(manifest)
  return startLife({
    entry: 'services/generator/main.ts',
    args: [
      ...['--files', '1', '--rows', String(rows), '--seed', String(chance.whole(0, 0xffff_ffff))],
      ...['--bad-rate', '0.02', '--duplicate-rate', '0.02', '--manifest', manifest],
    ],
    env: { ...folders.env, LOG_LEVEL: 'warn' },
    logFile: join(logs, 'generator.log'),
  })
}

/** The name of the file that a generator is writing or has written. */
export async function fileNameIn(manifest: string): Promise<string> {
  return until('the name of the file', async () => {
    const text = await readFile(manifest, 'utf8').catch(() => '')
    return /"file":"([^"]+)"/.exec(text)?.[1]
  })
}

export async function isIn(folder: string, name: string): Promise<boolean> {
  return (await readdir(folder)).includes(name)
}
