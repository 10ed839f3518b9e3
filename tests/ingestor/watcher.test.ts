import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
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

  test('sweeps deliver where inotify has nothing left, and the log says so', async context => {
    const [database, folders] = [await freshDatabase(), await freshFolders()]
    const ingestor = withoutInotify(database, folders)
    if (!ingestor) return context.skip('there are no user namespaces here')
    await ingestor.waitForLog('ready')
    await ingestor.waitForLog('the folder watcher failed; sweeps find new files')
    await deliver(database, folders, 3)
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  })
})

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
