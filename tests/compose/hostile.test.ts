import { lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { until } from '../support/until.ts'
import { docker } from './docker.ts'
import { events } from './events.ts'
import { newStack, type Stack } from './stack.ts'

/** What a container's process may read beside data/, and nobody should be able to have it hand out. */
const PREY = [
  '/run/secrets/writer/password',
  '/proc/self/environ',
  '/app/package.json',
  '/etc/passwd',
]

/** With a container's real rights: its user, its mounts, its filesystem. Whoever attacks can write to data/. */
describe.skipIf(!inject('engine'))('somebody who can write to data/', () => {
  let stack: Stack
  let secret: string
  const at = (...path: string[]) => join(stack.folder, 'data', ...path)

  beforeAll(async () => {
    stack = await newStack()
    await stack.compose('up', '-d', 'ingestor', 'dashboard')
    await stack.healthy('ingestor')
    await stack.healthy('dashboard')
    ;[secret] = (await stack.madeUp()) as [string]
  })

  /** Nothing of what is outside data/ is in the database, in a log or in data/. */
  async function nothingGotOut(): Promise<void> {
    const dump = await docker('exec', stack.database, 'pg_dump', '-U', 'myuser', 'ecommerce_db')
    const logs = await stack.compose('logs', '--no-color', 'ingestor')
    const files: string[] = []
    for (const folder of ['temp', 'input', 'archive', 'refused']) {
      for (const name of await readdir(at(folder))) {
        const path = at(folder, name)
        if ((await lstat(path)).isFile()) files.push(await readFile(path, 'latin1'))
      }
    }
    for (const text of [dump, logs, ...files]) {
      expect(text.includes(secret)).toBe(false)
      expect(text).not.toMatch(/root:x:0:0|NODE_VERSION=|"private": true/)
    }
  }

  it('gets nothing by links, by names, or by both', async () => {
    for (const [index, prey] of PREY.entries()) {
      await symlink(prey, at('input', `link-${index}.csv`))
      await symlink(`../../${prey}`, at('temp', `moved-${index}`))
      await rename(at('temp', `moved-${index}`), at('input', `moved-${index}.csv`))
    }
    await symlink('/run/secrets/writer', at('input', 'folder.csv'))
    await mkdir(at('input', 'real-folder.csv'))
    await writeFile(at('input', '..%2f..%2frun%2fsecrets%2fwriter%2fpassword.csv'), 'no header\n')
    await stack.drop('good.csv', events(50).csv)
    await until('the good rows', async () => (await stack.count()) === 50, 30_000)
    await until('the refusals', async () => {
      const [row] = await stack.query(
        `select count(*)::integer as n from ingest_files where reason = 'not_regular_file'`,
      )
      return row!.n === 2 * PREY.length + 2
    })
    await nothingGotOut()
  })

  it('gets nothing by writing a name into the checkpoint, even with an ingestor’s own password', async () => {
    const names = PREY.map(prey => `../..${prey}`)
    const values = names.map(name => `('${name}', 40, 0, 0)`).join(', ')
    const sql = `insert into ingest_files (file_name, size_bytes, mtime_ns, inode) values ${values}`
    await docker(
      'exec',
      stack.database,
      'psql',
      '-U',
      'ingest_writer',
      '-d',
      'ecommerce_db',
      '-c',
      sql,
    )
    await until(
      'their end',
      async () => {
        const [row] = await stack.query(
          `select count(*)::integer as n from ingest_files
          where file_name like '../%' and reason = 'bad_name' and archived_at is not null`,
        )
        return row!.n === names.length
      },
      30_000,
    )
    await nothingGotOut()
  })

  it('gets nothing by a link in the place of a folder, and all goes on when the folder is back', async () => {
    for (const [folder, elsewhere] of [
      ['input', '/run/secrets/writer'],
      ['archive', '/app/services'],
      ['refused', '/tmp'],
    ] as const) {
      await rename(at(folder), at(`${folder}.away`))
      await symlink(elsewhere, at(folder))
      await until(
        'word of it',
        async () => {
          const health = await docker(
            ...['exec', (await stack.containers('ingestor'))[0]!.Id, 'node', '-e'],
            `fetch('http://127.0.0.1:9464/readyz').then(answer => console.log(answer.status))`,
          )
          return health.trim() === '503'
        },
        30_000,
      )
      await rm(at(folder))
      await rename(at(`${folder}.away`), at(folder))
    }
    const before = await stack.count()
    await stack.drop('after.csv', events(70).csv)
    await until('the rows', async () => (await stack.count()) === before + 70, 30_000)
    await until(
      'the move',
      async () => (await readdir(at('archive'))).includes('after.csv'),
      30_000,
    )
    await nothingGotOut()
  })

  it('nor by a link where the step that is root is to make a folder', async () => {
    await rename(at('refused'), at('refused.away'))
    await symlink('/etc', at('refused'))
    await expect(stack.compose('run', '--rm', 'prepare-data')).rejects.toThrow(
      'data/refused cannot be prepared: expected a folder, found something else',
    )
    await rm(at('refused'))
    await rename(at('refused.away'), at('refused'))
    await stack.compose('run', '--rm', 'prepare-data')
  })
})
