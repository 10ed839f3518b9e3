import { expect, test } from 'vitest'
import { breaches } from '../support/checker.ts'
import { drained, startIngestor } from '../support/ingestor.ts'
import { heldInBatch, type Ordered } from '../support/scene.ts'
import { until } from '../support/until.ts'

test('14: SIGTERM in the middle of a batch: it is stored, the rest handed back, exit 0', async () => {
  const { database, folders, files, proxy, release, ingestor } = await heldInBatch(/^copy data$/)
  ingestor.signal('SIGTERM')
  await ingestor.waitForLog('stopping')
  release()
  expect(await ingestor.exit(5_000)).toEqual({ code: 0, signal: null })
  expect(ingestor.log.at(-1)).toMatchObject({ msg: 'stopped' })
  expect(proxy.done).toBe(1)
  expect(await database.value('select count(*) from ingest_files where owner is not null')).toBe(0)
  await restartedOk({ database, folders, files })
})

test('15: a second SIGTERM ends it at once, non-zero, and a restart goes on', async () => {
  const { database, folders, files, ingestor } = await heldInBatch(/^copy data$/)
  ingestor.signal('SIGTERM')
  const { time } = await ingestor.waitForLog('stopping')
  // npm sends the same signal twice within half a second; that is not a second one.
  await until('half a second', () => Date.now() - Date.parse(String(time)) > 550)
  expect(await ingestor.stop('SIGTERM', 3_000)).toEqual({ code: 143, signal: null })
  expect(ingestor.log.at(-1)).toMatchObject({ msg: 'second signal: stopping at once' })
  await restartedOk({ database, folders, files })
})

test('14 and 24: SIGTERM while the database is out of reach ends it in order', async () => {
  const { database, folders, files, proxy, ingestor } = await heldInBatch(/^copy data$/)
  proxy.mischief = () => ({ kind: 'drop' })
  proxy.cut()
  await ingestor.waitForLog('cannot be used now')
  expect(await ingestor.stop('SIGTERM', 8_000)).toEqual({ code: 0, signal: null })
  expect(ingestor.log.at(-1)).toMatchObject({ msg: 'stopped' })
  await restartedOk({ database, folders, files })
})

// A connection is only known to be silent after a minute; `docker stop` waits ten seconds.
test('14 and 26: SIGTERM while a connection is silent ends it in order, within the grace of docker stop', async () => {
  const { database, folders, files, ingestor } = await heldInBatch(/^copy data$/)
  expect(await ingestor.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null })
  expect(ingestor.log.at(-1)).toMatchObject({ msg: 'stopped' })
  expect(ingestor.log.some(({ msg }) => msg?.startsWith('not finished in time'))).toBe(true)
  expect(await database.value('select count(*) from ingest_files where owner is not null')).toBe(0)
  await restartedOk({ database, folders, files })
})

test('14 and 26: SIGTERM while nothing comes back from the server ends it as soon', async () => {
  const { database, folders, files, proxy, ingestor } = await heldInBatch(/^copy data$/)
  proxy.mischief = () => ({ kind: 'black hole' })
  expect(await ingestor.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null })
  expect(ingestor.log.at(-1)?.msg).toMatch(/^stopped with work unfinished/)
  await restartedOk({ database, folders, files })
})

test('17: a defect in the program is logged as fatal, ends it with 1, and a restart goes on', async () => {
  const throwing = `process.on('SIGUSR2', () => { throw new Error('boom') })`
  const { database, folders, files, ingestor } = await heldInBatch(/^copy data$/, [
    '--import',
    `data:text/javascript,${encodeURIComponent(throwing)}`,
  ])
  expect(await ingestor.stop('SIGUSR2', 5_000)).toEqual({ code: 1, signal: null })
  expect(ingestor.log.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'boom' } })
  await restartedOk({ database, folders, files })
})

async function restartedOk(checked: Ordered) {
  const { database, folders, files } = checked
  const again = startIngestor(database, folders)
  await drained(database, files)
  expect(await again.stop()).toEqual({ code: 0, signal: null })
  expect(await breaches(checked)).toEqual([])
}
