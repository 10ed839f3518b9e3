import pg from 'pg'
import { expect, test } from 'vitest'
import { isAlive } from '../../services/local/processes.ts'
import { type RunningService, startService } from '../support/process.ts'
import { until } from '../support/until.ts'

test('the crash lab kills, shows, and proves that nothing was lost, in plain text where it is a pipe', async () => {
  const lab = startService('tests/crash-lab/main.ts', { args: ['--kills', '3', '--seed', '5'] })
  expect(await lab.exit(80_000), lab.stdout()).toEqual({ code: 0, signal: null })
  const said = lab.stdout()
  expect(said.match(/^━ Kill \d of 3: /gm)).toHaveLength(3)
  expect(said.match(/^ {2}✗ (kill -9|crash) /gm)).toHaveLength(3)
  expect(said.match(/lost 0, doubled 0 ✓/g)).toHaveLength(3)
  expect(said).toContain('3 kills. 0 rows lost. 0 rows doubled.')
  expect(said).toContain('select count(*) as discrepancies from ingest_discrepancies;')
  expect(said).not.toMatch(/[\x1b\r]/)
})

test('the crash lab does not say that all is well where a row is gone', async () => {
  const lab = startService('tests/crash-lab/main.ts', { args: ['--kills', '2', '--seed', '5'] })
  await until('the end of the first kill', () => lab.stdout().includes('lost 0, doubled 0'))
  const client = new pg.Client({ connectionString: database(lab) })
  await client.connect()
  await client.query('delete from user_activity where ctid = (select min(ctid) from user_activity)')
  await client.end()
  expect(await lab.exit(60_000), lab.stdout()).toEqual({ code: 1, signal: null })
  expect(lab.stdout()).toContain('the account does NOT hold')
  expect(lab.stdout()).toMatch(/row \S+\s+\(\S+ line \d+\): missing/)
})

test('one Ctrl-C ends the crash lab, and leaves no process behind', async () => {
  const lab = startService('tests/crash-lab/main.ts', { args: ['--kills', '9'] })
  await until('a kill', () => lab.stdout().includes('✗'))
  const pids = [...lab.stdout().matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))
  lab.signal('SIGINT')
  expect(await lab.exit(20_000), lab.stdout()).toEqual({ code: 130, signal: null })
  expect(lab.stdout()).toContain('Stopped; nothing is left running')
  expect(pids.filter(isAlive)).toEqual([])
})

function database(lab: RunningService): string {
  return /postgres:\/\/\S+/.exec(lab.stdout())![0]
}
