import { describe, expect, test } from 'vitest'
import { freshFolders } from '../support/folders.ts'
import { freshDatabase } from '../support/postgres.ts'
import { startService } from '../support/process.ts'

describe('what tests stand on', () => {
  test('a fresh database has the newest schema and no rows, whatever its neighbours did', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
    await one.query(
      `insert into ingest_files (file_name, size_bytes, mtime_ns, inode) values ('a.csv', 0, 0, 0)`,
    )
    expect(await one.value('select count(*) from ingest_files')).toBe(1)
    expect(await other.value('select count(*) from ingest_files')).toBe(0)
  })

  test('a service reaches the database of its test through its environment', async () => {
    const database = await freshDatabase()
    const { env } = await freshFolders()
    const service = startService('services/migrate/main.ts', { env: { ...env, ...database.env } })
    const line = await service.waitForLog('up to date')
    expect(line).toMatchObject({ service: 'migrate', applied: [] })
    expect(await service.exit()).toEqual({ code: 0, signal: null })
  })
})
