import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { docker, lines } from '../compose/docker.ts'
import { sampleCounters } from '../support/checker.ts'
import { makeFiles } from '../support/made-file.ts'
import { until } from '../support/until.ts'
import { allAccountedFor, rowsArrive } from './accounts.ts'
import { dockerOn } from './host.ts'
import { IMAGE } from './images.ts'
import { type Ingestor, ingestorsOn, newStack, type Stack } from './stack.ts'
import { Stream } from './stream.ts'

const hosts = inject('hosts')

/** One stack, one stream of files that never stops; each test does something to the ingestors. */
describe.skipIf(hosts.length === 0)('the stack of deploy/swarm.yml under load', () => {
  let stack: Stack
  let stream: Stream
  let seed = 750
  let sampling: ReturnType<typeof sampleCounters>
  const ingestor = () => `${stack.name}_ingestor`

  beforeAll(async () => {
    stack = await newStack(hosts.at(1) ?? hosts[0]!)
    await stack.deploy(IMAGE.first, { INGESTORS: '1', INGEST_LEASE_SECONDS: '5' })
    await stack.migrated()
    await stack.running('ingestor', 1)
    stream = new Stream(stack.folders)
    stream.start('load', { rowsPerFile: 300, filesPerSecond: 4, seed: 700 })
    sampling = sampleCounters(stack, 1_000)
  })
  afterAll(() => stream.stop())

  it('is scaled from 1 to 6 and back to 2', async () => {
    await rowsArrive(stack)
    await docker('service', 'scale', '-d', `${ingestor()}=6`)
    await stack.running('ingestor', 6)
    const spread = (await ingestorsOn(stack, hosts)).map(({ host }) => host.number)
    console.log(`six ingestors on hosts ${spread.join(', ')}`)
    expect(new Set(spread).size).toBe(hosts.length)
    await rowsArrive(stack)
    await docker('service', 'scale', '-d', `${ingestor()}=2`)
    await stack.running('ingestor', 2)
    await until('four to be gone', async () => (await ingestorsOn(stack, hosts)).length === 2)
    await rowsArrive(stack)
    // Those that were stopped handed back what they held: nobody had to wait for a lease.
    expect(await takeovers()).toBe(0)
  })

  it('replaces tasks that are killed with files in hand', async () => {
    for (const victim of await ingestorsOn(stack, hosts)) {
      // Nobody can store a row meanwhile, so that no file is done before the kill comes.
      const unlock = await locked(stack.url)
      await stream.add(
        makeFiles(8, { prefix: `large_${victim.hostname}`, seed: ++seed, rows: 8_000 }),
      )
      await until('it to have some in hand', () => holdsFiles(victim))
      await dockerOn(victim.host, 'kill', '--signal', 'KILL', victim.container)
      await unlock()
      await until(
        'another in its place',
        async () => {
          const now = await ingestorsOn(stack, hosts)
          return now.length === 2 && now.every(({ container }) => container !== victim.container)
        },
        60_000,
      )
    }
    await stack.running('ingestor', 2)
    await until('their files to be taken over', async () => (await takeovers()) > 0)
    await rowsArrive(stack)
  })

  it('is updated to another schema and another image, one task at a time', async () => {
    // The order that docs/scaling.md gives: the schema first, while the old ingestors go on.
    await docker('service', 'update', '-d', '--image', IMAGE.next, `${stack.name}_migrate`)
    await until(
      'the migration to 9000',
      async () => {
        const [row] = await stack.query('select max(version) as version from schema_migrations')
        return row!.version === 9000
      },
      60_000,
    )
    await rowsArrive(stack)
    const settings = { INGESTORS: '2', INGEST_LEASE_SECONDS: '5' }
    expect(await updatedBy(() => stack.deploy(IMAGE.next, settings))).toBe('completed')
    await stack.running('ingestor', 2)
    expect(await imagesRunning()).toEqual([IMAGE.next])
    await rowsArrive(stack)
  })

  it('goes back by itself from an image that cannot start', async () => {
    const update = () => docker('service', 'update', '-d', '--image', IMAGE.broken, ingestor())
    expect(await updatedBy(update)).toBe('rollback_completed')
    await stack.running('ingestor', 2)
    expect(await imagesRunning()).toEqual([IMAGE.next])
    await rowsArrive(stack)
  })

  it('has every row once after all that', async () => {
    await stream.stop()
    const rows = await allAccountedFor(stack, stream)
    const { samples, breached } = await sampling.stop()
    console.log(
      `${rows} lines in ${stream.files.length} files checked; ${samples} looks at the counters meanwhile; ${await takeovers()} takeover(s)`,
    )
    expect(breached).toEqual([])
  })

  async function holdsFiles({ hostname }: Ingestor): Promise<boolean> {
    const held = `select from ingest_files where owner like 'ingestor ${hostname} %'`
    return (await stack.query(held)).length > 0
  }

  async function takeovers(): Promise<number> {
    const [row] = await stack.query<{ n: number }>(
      'select coalesce(sum(takeovers), 0)::integer as n from ingest_activity',
    )
    return row!.n
  }

  /** Does something that begins an update. @returns how that ended */
  async function updatedBy(begin: () => Promise<unknown>): Promise<string> {
    const before = (await updateStatus())?.StartedAt
    await begin()
    return until(
      'the end of the update',
      async () => {
        const now = await updateStatus()
        const isOver = /completed$|paused$/.test(now?.State ?? '') && now!.StartedAt !== before
        return isOver && now!.State
      },
      180_000,
    )
  }

  async function updateStatus(): Promise<{ State: string; StartedAt: string } | null> {
    const format = '{{if .UpdateStatus}}{{json .UpdateStatus}}{{else}}null{{end}}'
    return JSON.parse(await docker('service', 'inspect', ingestor(), '--format', format))
  }

  async function imagesRunning(): Promise<string[]> {
    const wanted = ['--filter', 'desired-state=running', '--format', '{{.Image}}']
    return [...new Set(lines(await docker('service', 'ps', ingestor(), ...wanted)))]
  }
})

/** Locks the table against writers. @returns unlocks it */
async function locked(connectionString: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query('begin; lock table user_activity in share mode')
  return () => client.end()
}
