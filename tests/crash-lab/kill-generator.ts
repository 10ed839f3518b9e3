import { stat } from 'node:fs/promises'
import { until } from '../support/until.ts'
import type { Act } from './act.ts'
import { lookAt } from './look.ts'
import { counted } from './paper.ts'
import { fileNameIn, generator, isIn } from './stage.ts'

const KILLED_AT_BYTES = 2_000_000

/** Kills a generator while it writes; there is nothing to take over. */
export async function killGenerator({ stage, paper, pauseMs, stop }: Act): Promise<boolean> {
  const { folders, database } = stage
  const life = await generator(stage, 500_000)
  const fileName = await fileNameIn(stage.manifests.at(-1)!)
  const draft = `${fileName}.part`
  const size = async () => (await stat(`${folders.temp}/${draft}`).catch(() => null))?.size ?? 0
  await until('some of the file', async () => (await size()) > KILLED_AT_BYTES)
  paper.fact(
    'in flight',
    `the generator (process ${life.pid}) writes temp/${draft}: ${counted(await size(), 'byte')} so far`,
  )
  await paper.rest(pauseMs, stop)
  life.signal('SIGKILL')
  await life.ended
  paper.fact('✗ kill -9', `the generator, process ${life.pid}, is gone`, 'bad')
  const seen = await lookAt(database, fileName)
  const published = await isIn(folders.input, fileName)
  paper.fact(
    'folder',
    `input/ ${published ? 'HAS' : 'has not'} seen the file; temp/ keeps the draft, which a later generator clears away once it is ten minutes old`,
  )
  paper.fact('PostgreSQL', seen ? `KNOWS ${fileName}` : 'has never heard of it')
  paper.fact('in the end', 'a file that was never delivered: lost 0, doubled 0 ✓', 'good')
  return !published && seen === null
}
