import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { command } from '../commands/command.ts'
import { startDashboard } from '../support/dashboard.ts'
import { type Folders, freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { type RunningService, startService } from '../support/process.ts'
import { until } from '../support/until.ts'
import { HEADER } from './claimed.ts'
import { idOf } from './lines.ts'

async function deliver(database: TestDatabase, folders: Folders, files: number) {
  for (let n = 0; n < files; n++) {
    await folders.drop(
      `late-${n}.csv`,
      `${HEADER}\n${idOf(n)},2026-01-02 07:15:22,view,1,9.99,2,s\n`,
    )
    await until(
      `file ${n}`,
      async () => (await database.value('select count(*) from user_activity')) === n + 1,
    )
  }
}

describe('39: without a watcher', () => {
  test('polling delivers by sweeps alone', async () => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const ingestor = startIngestor(database, folders, { INGEST_WATCH: 'polling' })
    await ingestor.waitForLog('ready')
    await deliver(database, folders, 2)
    expect(ingestor.log.filter(line => line.by === 'watcher')).toEqual([])
  })

  test('sweeps deliver where inotify has nothing left; log, status, page and metrics say so', async context => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const ingestor = withoutInotify(database, folders)
    if (!ingestor) return context.skip('there are no user namespaces here')
    await ingestor.waitForLog('ready')
    await ingestor.waitForLog('the folder watcher failed; sweeps find new files')
    await deliver(database, folders, 3)
    const fault = expect.stringMatching(/^the folder watcher failed: (EMFILE|ENOSPC): /)
    const told = () => database.value('select watch_faults from ingest_status')
    expect(await until('word of it in psql', told)).toEqual(fault)
    const { stdout } = await command(['status'], database, folders)
    expect(stdout).toMatch(
      /the folder watcher failed: .*files are found by listing it: ask `doctor`/,
    )
    const { json } = await command(['status', '--json'], database, folders)
    expect(json).toMatchObject({ ingestors: [{ watchFault: fault }] })
    const page = await startDashboard(database)
    const { seen } = await page.until('the ingestor', now => now.seen?.ingestors.length === 1)
    expect(seen!.ingestors[0]!.watchFault).toEqual(fault)
    expect(await metric(ingestor)).toBe('ingest_watcher_failed 1')
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
    // What has ended is at fault no more.
    expect(await told()).toBeNull()
  })

  test('nothing of the kind is said where events are heard, or were not asked for', async () => {
    for (const watch of ['events', 'polling']) {
      const [database, folders] = [await freshDatabase(), await freshFolders()]
      const ingestor = startIngestor(database, folders, { INGEST_WATCH: watch })
      await deliver(database, folders, 3)
      await until('a sign of life', () => database.value('select seen_at from ingestors'))
      expect(await database.value('select watch_faults from ingest_status')).toBeNull()
      expect(await metric(ingestor)).toBe('ingest_watcher_failed 0')
      expect((await command(['status'], database, folders)).stdout).not.toContain('listing')
      await ingestor.stop()
    }
  })
})

async function metric(ingestor: RunningService): Promise<string | undefined> {
  const { metricsPort } = await ingestor.waitForLog('starting')
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return text.split('\n').find(line => line.startsWith('ingest_watcher_failed '))
}

// In a user namespace of its own it may have no inotify instance at all.
function withoutInotify(database: TestDatabase, folders: Folders): RunningService | null {
  const inside = ['--user', '--map-root-user', 'sh', '-c']
  const none = 'echo 0 > /proc/sys/user/max_inotify_instances'
  try {
    execFileSync('unshare', [...inside, none], { stdio: 'ignore' })
  } catch {
    return null
  }
  return startService('services/ingestor/main.ts', {
    under: ['unshare', ...inside, `${none} && exec "$0" "$@"`],
    args: ['run'],
    env: {
      ...{ ...database.env, ...folders.env, METRICS_PORT: '0', LOG_LEVEL: 'debug' },
      ...{ INGEST_SWEEP_SECONDS: '0.2', INGEST_SETTLE_SECONDS: '0.05' },
    },
  })
}
