import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Screen } from '../../services/local/screen.ts'
import { Chance } from '../support/chance.ts'
import type { Folders } from '../support/folders.ts'
import { ownServer } from '../support/own-server.ts'
import type { Breach } from './breach.ts'
import type { Strike } from './chart.ts'
import { dealer } from './faults.ts'
import type { Flags } from './flags.ts'
import { Fleet } from './fleet.ts'
import type { Place } from './ingestor.ts'
import { Load } from './load.ts'
import { muster, NOTHING_PROVEN, type Proven } from './muster.ts'
import { type Account, duration } from './summary.ts'
import { Takeovers } from './takeovers.ts'
import { Vitals } from './vitals.ts'
import { Watch } from './watch.ts'
import { pause, type World } from './world.ts'

const ROUND_MS = 5 * 60_000
const RECOVERY_MS = 30_000

export interface Soak {
  readonly account: Account
  /** Of PostgreSQL. */
  readonly dataFolder: string
  /** Until the time is up or it is stopped. @throws Breach at the first one */
  run(): Promise<void>
}

/** Lays everything out in a folder: server, folders, a place for each ingestor. */
export async function prepareSoak(
  flags: Flags,
  folder: string,
  screen: Screen,
  stop: AbortSignal,
): Promise<Soak> {
  const startedMs = performance.now()
  const clock = () => performance.now() - startedMs
  const breached = Promise.withResolvers<never>()
  // Whoever awaits it comes later.
  breached.promise.catch(() => undefined)
  const onBreach = (breach: Breach) => breached.reject(breach)
  const folders = await makeFolders(join(folder, 'data'))
  const [logs, manifests] = [join(folder, 'logs'), join(folder, 'manifests')]
  await mkdir(manifests)
  const server = await ownServer({ max_connections: 150 }, join(folder, 'postgres'))
  screen.say(`database: ${server.database.url}`)
  const place: Place = { server, folders, logs, onBreach }
  const { eventsPerSecond } = flags
  // What is drawn for the load must not depend on what is drawn for the faults.
  const load = new Load({
    ...{ folders, manifests, logs, eventsPerSecond, onBreach },
    chance: new Chance(flags.seed + 1),
  })
  const chance = new Chance(flags.seed)
  const fleet = await Fleet.of(flags.ingestors[1], place)
  const takeovers = new Takeovers(server.database)
  const world: World = { server, folders, fleet, load, takeovers, chance, stop }
  const watch = new Watch(server.database, onBreach)
  const vitals = new Vitals(fleet, server.database, clock)
  const deal = dealer(flags.faults, chance)
  const strikes: Strike[] = []
  let proven: Proven = NOTHING_PROVEN
  let proofs = 0

  const strike = async () => {
    const fault = deal()
    const at = clock()
    strikes.push({ atMs: at, name: fault.name, family: fault.family })
    const burst = load.burst()
    burst.catch(() => undefined)
    const what = await fault.strike(world)
    await burst
    await fleet.fit(fault.recoveryMs ?? RECOVERY_MS, stop)
    screen.say(`[${duration(at)}] ${fault.name}: ${what}`)
  }

  /** Load and faults for some minutes, then the proof. */
  const round = async (endMs: number) => {
    await fleet.resize(chance.whole(...flags.ingestors))
    await fleet.fit(RECOVERY_MS, stop)
    load.start()
    let nextMs = clock() + Math.min(flags.faultEveryMs, (endMs - clock()) / 4)
    while (nextMs < endMs && !stop.aborted) {
      await pause(nextMs - clock(), stop)
      if (stop.aborted) break
      await strike()
      nextMs = Math.max(clock() + 1_000, nextMs + flags.faultEveryMs)
    }
    await pause(endMs - clock(), stop)
    await load.stop()
    const written = load.handOver()
    proven = await muster({ database: server.database, folders, written, before: proven })
    await watch.provenTo(proven.fileId)
    proofs++
    screen.say(
      `[${duration(clock())}] proven: ${proven.rows.toLocaleString('en')} rows of ${proven.files.toLocaleString('en')} files, each there once, nothing lost`,
    )
  }

  const rounds = async () => {
    while (clock() < flags.runMs && !stop.aborted) {
      const left = flags.runMs - clock()
      await round(clock() + (left < ROUND_MS * 1.5 ? left : ROUND_MS))
    }
    await fleet.stop()
  }

  const account = (): Account => ({
    seed: flags.seed,
    ranMs: clock(),
    ...{ strikes, proofs, takeovers },
    seen: watch.seen,
    looks: watch.looks,
    rowsProven: proven.rows,
    fenced: fleet.places.reduce((sum, { fenced }) => sum + fenced, 0),
    vitals: vitals.all,
  })

  return {
    dataFolder: server.dataFolder,
    get account() {
      return account()
    },
    async run() {
      watch.start()
      vitals.start(flags.runMs < 600_000 ? 1_000 : 5_000)
      const ticking = setInterval(
        () => screen.status(progress(account(), flags)),
        process.stdout.isTTY ? 1_000 : 30_000,
      )
      try {
        await Promise.race([rounds(), breached.promise])
      } finally {
        clearInterval(ticking)
        vitals.stop()
        await watch.stop()
      }
    },
  }
}

function progress({ ranMs, seen, strikes }: Account, { runMs }: Flags) {
  const number = (value: number) => value.toLocaleString('en')
  const last = strikes.at(-1)
  return {
    mood: 'good' as const,
    head: `${duration(ranMs)} of ${duration(runMs)}`,
    details: [
      `${number(seen.rowsLoaded)} loaded`,
      `${number(seen.rowsDuplicate)} duplicate`,
      `${number(seen.rowsRejected)} rejected`,
      `${number(seen.filesWaiting)} files waiting`,
      `${strikes.length} faults${last ? `, the last: ${last.name}` : ''}`,
    ].join(', '),
  }
}

async function makeFolders(root: string): Promise<Folders> {
  const at = (name: string) => join(root, name)
  for (const name of ['temp', 'input', 'archive', 'refused']) {
    await mkdir(at(name), { recursive: true })
  }
  return {
    root,
    temp: at('temp'),
    input: at('input'),
    archive: at('archive'),
    refused: at('refused'),
    env: { DATA_DIR: root },
    drop: () => Promise.reject(new Error('nothing is dropped by hand in a soak')),
  }
}
