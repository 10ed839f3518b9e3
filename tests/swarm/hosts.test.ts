import { beforeAll, describe, expect, inject, it } from 'vitest'
import { docker } from '../compose/docker.ts'
import { sampleCounters } from '../support/checker.ts'
import { atTestEnd } from '../support/cleanup.ts'
import { makeFiles } from '../support/made-file.ts'
import { until } from '../support/until.ts'
import { allAccountedFor, drained, rowsArrive } from './accounts.ts'
import {
  cutOff,
  freezeEngine,
  type Host,
  heal,
  nodeOf,
  plugOf,
  thawEngine,
  throttle,
  unthrottle,
} from './host.ts'
import { IMAGE } from './images.ts'
import { countServers } from './servers.ts'
import { type Ingestor, ingestorsOn, newStack, type Stack } from './stack.ts'
import { Stream } from './stream.ts'

const hosts = inject('hosts')
const LEASE_MS = 10_000
const AWAY_MS = 60_000
const WITHIN_MS = LEASE_MS + 5_000

/** Three hosts, an ingestor on each, the database on the second; what befalls the others is told by each test. */
describe.skipIf(hosts.length < 3)('three hosts under load', () => {
  const [, second, third] = hosts as [Host, Host, Host]
  let stack: Stack
  let stream: Stream
  let seed = 800

  beforeAll(async () => {
    stack = await newStack(second)
    await stack.deploy(IMAGE.first, { INGESTORS: '3', INGEST_LEASE_SECONDS: `${LEASE_MS / 1000}` })
    await stack.migrated()
    await stack.running('ingestor', 3)
    stream = new Stream(stack.folders)
  })

  it('an ingestor’s host that is cut off in the middle of a COPY is replaced within lease + 5 s', async () => {
    const victim = await onlyOneOn(third)
    const sampling = sampleCounters(stack, 2_000)
    atTestEnd(() => heal(third))
    begin('cut')
    const { backend, lostAt } = await loseInMidCopy(victim, () => cutOff(third))
    await unthrottle(third)
    const takeoverMs = (await takenOver(victim)) - lostAt
    await until('its session to be ended', async () => !(await isThere(backend)), WITHIN_MS)
    await until('Swarm to see that it is gone', async () => (await state(third)) === 'down', 60_000)
    await rowsArrive(stack)
    await heal(third)
    await back(third)
    const rows = await account(sampling)
    report('cut off in mid-COPY', takeoverMs, rows)
  })

  it('a host whose engine is frozen keeps its ingestor, Swarm starts another, and no row comes twice', async () => {
    await settled()
    const sampling = sampleCounters(stack, 2_000)
    begin('engine')
    await rowsArrive(stack)
    freezeEngine(third)
    atTestEnd(() => thawEngine(third))
    await until('Swarm to see that it is gone', async () => (await state(third)) === 'down', 60_000)
    await until('three elsewhere', async () => (await others()).length >= 3, 60_000)
    await rowsArrive(stack)
    thawEngine(third)
    await back(third)
    const rows = await account(sampling)
    report('engine frozen', null, rows)
  })

  it('a database whose host is away for a minute is waited for by all, and its files have one server at a time', async () => {
    await settled()
    const before = await serverStart()
    begin('database')
    await rowsArrive(stack)
    atTestEnd(() => heal(second))
    await cutOff(second)
    const cutAt = performance.now()
    await until(
      'Swarm to see that it is gone',
      async () => (await state(second)) === 'down',
      60_000,
    )
    await until('the minute to be over', () => performance.now() - cutAt > AWAY_MS, AWAY_MS + 5_000)
    const servers = countServers(stack, second)
    await heal(second)
    const healedAt = performance.now()
    await rowsArrive(stack, 180_000)
    const resumedMs = performance.now() - healedAt
    await back(second)
    const after = await serverStart()
    const rows = await account()
    const { looks, most } = await servers.stop()
    expect(most).toBe(1)
    console.log(
      `database's host away for ${AWAY_MS / 1000} s: rows arrive ${seconds(resumedMs)} after it is back (server started anew: ${before !== after}, one at a time at each of ${looks} looks); ${rows} lines checked`,
    )
  })

  it('an ingestor’s host that loses its power is replaced within lease + 5 s', async () => {
    await settled()
    const victim = await onlyOneOn(third)
    const sampling = sampleCounters(stack, 2_000)
    const pull = await plugOf(third)
    begin('power')
    const { lostAt } = await loseInMidCopy(victim, pull)
    const takeoverMs = (await takenOver(victim)) - lostAt
    await until('three elsewhere', async () => (await others()).length >= 3, 90_000)
    await rowsArrive(stack)
    const rows = await account(sampling)
    report('power lost in mid-COPY', takeoverMs, rows)
  })

  function begin(prefix: string): void {
    stream.start(prefix, { rowsPerFile: 300, filesPerSecond: 3, seed: ++seed })
  }

  /**
   * Gives all ingestors much to load and the victim a slow line, and has `lose` happen as soon as it is
   * seen in a COPY. @returns its backend, which now waits for the rest of that COPY, and since when
   */
  async function loseInMidCopy(victim: Ingestor, lose: () => Promise<unknown>) {
    await throttle(victim.host)
    await stream.add(makeFiles(12, { prefix: `large_${++seed}`, seed, rows: 20_000 }))
    const inMidCopy = async () => {
      const found = await copying(victim)
      return found?.waiting === 'ClientRead' && found.pid
    }
    await until('the victim to be in a COPY', inMidCopy)
    const lostAt = performance.now()
    await lose()
    return { backend: await until('that COPY to be without its client', inMidCopy, 5_000), lostAt }
  }

  /** Asked until answered: connections from before an outage have to be found out one by one. */
  async function serverStart(): Promise<string> {
    const started = 'select pg_postmaster_start_time()::text as at'
    return until('an answer', async () => (await stack.attempt<{ at: string }>(started))?.[0]?.at)
  }

  async function copying({ hostname }: Ingestor) {
    const [row] = await stack.query<{ pid: number; waiting: string | null }>(
      `select pid, wait_event as waiting from pg_stat_activity
        where application_name like 'ingestor ${hostname} %' and state = 'active'
          and query ilike 'copy user_activity %'`,
    )
    return row
  }

  async function isThere(pid: number): Promise<boolean> {
    return (await stack.query(`select from pg_stat_activity where pid = ${pid}`)).length > 0
  }

  /** Waits until others have all that the victim had in hand. @returns when that was */
  async function takenOver({ hostname }: Ingestor): Promise<number> {
    const held = `select count(*)::integer as n from ingest_files where owner like 'ingestor ${hostname} %'`
    const count = async () => (await stack.query<{ n: number }>(held))[0]!.n
    expect(await count()).toBeGreaterThan(0)
    await until('the takeover', async () => (await count()) === 0, WITHIN_MS)
    return performance.now()
  }

  async function account(sampling?: ReturnType<typeof sampleCounters>): Promise<number> {
    await stream.stop()
    await drained(stack, stream)
    if (sampling) expect((await sampling.stop()).breached).toEqual([])
    return allAccountedFor(stack, stream)
  }

  /** One ingestor a host again: Swarm moves nothing back by itself. */
  async function settled(): Promise<void> {
    const scale = (to: number) => docker('service', 'scale', '-d', `${stack.name}_ingestor=${to}`)
    await scale(0)
    await until(
      'all to be gone',
      async () => (await ingestorsOn(stack, hosts)).length === 0,
      60_000,
    )
    await scale(3)
    await until(
      'an ingestor on each host',
      async () => {
        const found = await ingestorsOn(stack, hosts)
        return found.length === 3 && new Set(found.map(({ host }) => host.number)).size === 3
      },
      120_000,
    )
    await stack.running('ingestor', 3)
  }

  async function onlyOneOn(host: Host): Promise<Ingestor> {
    const found = await ingestorsOn(stack, [host])
    expect(found).toHaveLength(1)
    return found[0]!
  }

  const others = () => ingestorsOn(stack, hosts.slice(0, 2))
  const state = async (host: Host) => (await nodeOf(host)).state
  const back = (host: Host) =>
    until('the host to be back', async () => (await state(host)) === 'ready', 90_000)

  function report(what: string, takeoverMs: number | null, rows: number): void {
    const taken =
      takeoverMs === null
        ? ''
        : `taken over after ${seconds(takeoverMs)} (lease ${seconds(LEASE_MS)}); `
    console.log(`host 3 ${what}: ${taken}${rows} lines in ${stream.files.length} files checked`)
  }
})

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
