import { beforeAll, describe, expect, inject, it } from 'vitest'
import { until } from '../support/until.ts'
import { docker } from './docker.ts'
import { type Events, events, inDecimals } from './events.ts'
import { newStack, type Stack } from './stack.ts'

/** The tests go on from one another, with more rows each time and none twice. */
describe.skipIf(!inject('engine'))('a backlog', () => {
  let stack: Stack
  const dropped: Events[] = []

  beforeAll(async () => {
    stack = await newStack({ settings: { INGEST_LEASE_SECONDS: 3, INGEST_BATCH_ROWS: 10_000 } })
    await stack.compose('up', '-d', 'ingestor')
    await stack.healthy('ingestor')
  })

  it('whose ingestor is killed in mid-load, from outside and from inside, is loaded to the row', async () => {
    const before = await stack.count()
    await drop('killed', 6, 100_000)
    await inMidLoad(before + 20_000)
    const [first] = await stack.containers('ingestor')
    await docker('kill', '--signal', 'KILL', first!.Id)
    const [killed] = await stack.containers('ingestor')
    expect(killed!.State).toMatchObject({ Status: 'exited', ExitCode: 137, OOMKilled: false })
    const atKill = await stack.count()
    expect(atKill).toBeLessThan(before + 600_000)
    await stack.compose('up', '-d', 'ingestor')

    await inMidLoad(atKill + 20_000)
    // Its own end, as far as Docker can see: the restart policy starts it again.
    await docker('exec', first!.Id, 'sh', '-c', KILL_NODE).catch(() => undefined)
    await until(
      'the restart',
      async () => {
        const [now] = await stack.containers('ingestor')
        return now!.RestartCount === 1 && now!.State.Status === 'running'
      },
      20_000,
    )
    expect(await stack.count()).toBeLessThan(before + 600_000)
    await exact()
  })

  /** @returns how many rows all files have together */
  async function drop(name: string, files: number, rowsEach: number): Promise<number> {
    for (let file = 0; file < files; file++) {
      const made = events(rowsEach)
      dropped.push({ ...made, csv: '' })
      await stack.drop(`${name}_${String(file).padStart(3, '0')}.csv`, made.csv)
    }
    return files * rowsEach
  }

  async function inMidLoad(rows: number): Promise<void> {
    await until(`${rows} rows`, async () => (await stack.count()) >= rows, 60_000)
  }

  async function exact(): Promise<void> {
    await stack.drained(90_000)
    const rows = dropped.reduce((sum, one) => sum + one.rows, 0)
    const cents = dropped.reduce((sum, one) => sum + Number(one.revenue.replace('.', '')), 0)
    expect(
      await stack.query(
        `select count(*)::integer as rows, sum(price)::text as revenue,
                (select count(*)::integer from user_activity_errors) as errors
           from user_activity`,
      ),
    ).toEqual([{ rows, revenue: inDecimals(cents), errors: 0 }])
    expect(await stack.query('select * from ingest_discrepancies')).toEqual([])
    expect(
      await stack.query(
        `select file_name from ingest_files
          where status <> 'done' or rows_loaded <> rows_read or archived_at is null`,
      ),
    ).toEqual([])
  }
})

/** Ends the program that docker-init watches over; a container has no `pkill`. */
const KILL_NODE =
  'cd /proc; for pid in [0-9]*; do case $(readlink $pid/exe) in */node) kill -9 $pid;; esac; done'
