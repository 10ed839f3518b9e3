import { access, chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { startService } from '../support/process.ts'
import { until } from '../support/until.ts'

test('a soak is stopped by one Ctrl-C, with the whole proof and a summary', async () => {
  const { soak, folder } = await soaking('--faults', 'kill,commit-lost', '--ingestors', '2')
  await until('two faults', () => (soak.stdout().match(/^\[.*\] (kill|commit-lost): /gm) ?? [])[1])
  soak.signal('SIGINT')
  expect(await soak.exit(60_000), soak.stdout()).toEqual({ code: 0, signal: null })
  expect(soak.stdout()).toMatch(/^seed 7: /m)
  expect(soak.stdout()).toMatch(/proven: [\d,]+ rows of \d+ files, each there once, nothing lost/)
  expect(soak.stdout()).toMatch(/1 whole proof, line by line: [\d,]+ rows, 0 lost, 0 twice/)
  expect(await readFile(join(folder, 'soak.svg'), 'utf8')).toContain('Resident memory')
})

test.each([
  [
    'a row that somebody deletes',
    'delete from user_activity where ctid = (select min(ctid) from user_activity)',
    /counter \S+: rows_loaded \d+, \d+ counted/,
  ],
  [
    'a cent that somebody changes',
    'update user_activity set price = price + 0.01 where ctid = (select min(ctid) from user_activity)',
    /row \S+ \(\S+ line \d+\): never written, or written otherwise/,
  ],
])('%s is a breach: exit 1, what broke and when, and all is kept', async (_, sql, said) => {
  const { soak, folder } = await soaking('--faults', 'stop', '--minutes', '0.2')
  const url = await until('the database', () => /^database: (\S+)$/m.exec(soak.stdout())?.[1])
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  await until('a row to be at fault', async () => (await client.query(sql)).rowCount! > 0)
  await client.end()
  expect(await soak.exit(60_000), soak.stdout()).toEqual({ code: 1, signal: null })
  expect(soak.stdout()).toMatch(/^BREACH after \d\d:\d\d:\d\d, found by /m)
  expect(soak.stdout()).toMatch(said)
  expect(soak.stdout()).toContain(`--look ${folder}/run`)
  await access(join(folder, 'run', 'postgres', 'cluster', 'data', 'PG_VERSION'))
})

/** A fault every three seconds, in a folder that is gone at the end of the test. */
async function soaking(...args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'hot-folder-soak-test-'))
  // PostgreSQL's user must be able to get in, or its data goes elsewhere.
  await chmod(folder, 0o755)
  atTestEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const where = ['--folder', join(folder, 'run'), '--svg', join(folder, 'soak.svg')]
  const soak = startService('tests/soak/main.ts', {
    args: ['--seed', '7', '--fault-every', '3', ...where, ...args],
  })
  return { soak, folder }
}
