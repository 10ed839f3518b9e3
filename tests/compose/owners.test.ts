import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { until } from '../support/until.ts'
import { docker, execute } from './docker.ts'
import { events } from './events.ts'
import { newStack } from './stack.ts'

const FOLDERS = ['temp', 'input', 'archive', 'refused']
const CONTAINER_UID = 1000
const self = process.getuid!()

/** Whom a clone may belong to on the host; only root can try all of them. */
const OWNERS = self === 0 ? [0, CONTAINER_UID, 1001] : [self]

describe.skipIf(!inject('engine'))('a clone of any owner', () => {
  it.for(OWNERS)('of uid %i: its owner drops files in and takes them out again', async uid => {
    const stack = await newStack({ uid, settings: { BATCH_INTERVAL: 0.5 } })
    const at = (...path: string[]) => join(stack.folder, 'data', ...path)
    const asOwner = (program: string, ...args: string[]) =>
      execute(program, args, {
        cwd: stack.folder,
        uid,
        gid: uid === self ? process.getgid!() : uid,
      })
    const keep = await stat(at('input', '.gitkeep'))
    const before = await stat(at('input'))

    await stack.compose('up', '-d')
    await stack.healthy('ingestor')
    for (const name of FOLDERS) {
      const { mode, uid: owner } = await stat(at(name))
      expect(owner, name).toBe(uid)
      expect(mode, name).toBe(uid === CONTAINER_UID ? before.mode : 0o040777)
    }
    const kept = await stat(at('input', '.gitkeep'))
    expect([kept.mode, kept.uid, kept.ctimeMs]).toEqual([keep.mode, keep.uid, keep.ctimeMs])

    const { csv, rows } = events(100)
    await asOwner('sh', '-c', `printf '%s' "$1" > data/input/mine.csv`, 'sh', csv)
    await asOwner('sh', '-c', 'echo nonsense > data/input/refused.csv')
    await until('my file in the archive', async () => exists(at('archive', 'mine.csv')), 30_000)
    await until(
      'the other one in refused',
      async () => exists(at('refused', 'refused.csv')),
      30_000,
    )
    const [mine] = await stack.query(
      `select status, rows_loaded::integer from ingest_files where file_name = 'mine.csv'`,
    )
    expect(mine).toEqual({ status: 'done', rows_loaded: rows })

    const archived = () => asOwner('sh', '-c', 'ls data/archive')
    await until('a generated file', async () => (await archived()).includes('events_'), 30_000)
    await asOwner('sh', '-c', 'rm data/archive/* data/refused/*')
    const [ingestor] = await stack.containers('ingestor')
    await docker(
      'exec',
      ingestor!.Id,
      'sh',
      '-c',
      'touch /data/input/.mark && rm /data/input/.mark',
    )
  })

  it('whose folders are missing gets them, for the owner of the one around them', async () => {
    const uid = OWNERS.at(-1)!
    const stack = await newStack({ uid })
    await execute('rm', ['-r', ...FOLDERS.map(name => join(stack.folder, 'data', name))])
    await stack.compose('run', '--rm', 'prepare-data')
    for (const name of FOLDERS) {
      const made = await stat(join(stack.folder, 'data', name))
      expect(made.uid, name).toBe(uid)
      expect(made.mode, name).toBe(uid === CONTAINER_UID ? 0o040755 : 0o040777)
    }
  })
})

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
