import { setTimeout as sleep } from 'node:timers/promises'
import { sessions, terminateSessions } from '../../support/scene.ts'
import { until } from '../../support/until.ts'
import { seconds } from '../takeovers.ts'
import { type Fault, inWork, pause, type World } from '../world.ts'

export const terminate: Fault = {
  name: 'terminate',
  family: 'server',
  what: 'pg_terminate_backend of every session',
  async strike(world) {
    await inWork(world.fleet.any(world.chance), world)
    const times = world.chance.whole(1, 5)
    let ended = 0
    for (let round = 0; round < times; round++) {
      ended += await terminateSessions(world.server.database)
      await sleep(world.chance.whole(0, 200))
    }
    return `ended ${ended} sessions, in ${times} rounds`
  },
}

export const serverCrash: Fault = {
  name: 'server-crash',
  family: 'server',
  what: 'immediate stop of the server',
  recoveryMs: 60_000,
  async strike(world) {
    const downMs = world.chance.whole(0, 6_000)
    await inWork(world.fleet.any(world.chance), world)
    await world.server.crash()
    await pause(downMs, world.stop)
    await world.server.start()
    return `crashed the server, and started it ${seconds(downMs)} later`
  },
}

export const backendKill: Fault = {
  name: 'backend-kill',
  family: 'server',
  what: 'kill -9 of a backend: the server restarts all',
  recoveryMs: 60_000,
  async strike(world) {
    await inWork(world.fleet.any(world.chance), world)
    const pids = await sessions(world.server.database)
    if (pids.length === 0) return 'found no session to kill'
    process.kill(world.chance.pick(pids), 'SIGKILL')
    await answers(world)
    return 'killed a backend; the server ended all sessions and recovered'
  },
}

export const readOnly: Fault = {
  name: 'read-only',
  family: 'server',
  what: 'default_transaction_read_only',
  async strike(world) {
    const { database } = world.server
    const forMs = world.chance.whole(1_000, 6_000)
    await database.query(`alter database ${database.name} set default_transaction_read_only = on`)
    try {
      await terminateSessions(database)
      await pause(forMs, world.stop)
    } finally {
      const admin = await database.pool.connect()
      await admin.query('set default_transaction_read_only = off')
      await admin.query(`alter database ${database.name} reset default_transaction_read_only`)
      admin.release(true)
      await terminateSessions(database)
    }
    return `read-only for ${seconds(forMs)}`
  },
}

export const rowLock: Fault = {
  name: 'row-lock',
  family: 'server',
  what: 'a foreign lock on files of the checkpoint',
  async strike(world) {
    await inWork(world.fleet.any(world.chance), world)
    const [forMs, locked] = await locking(
      world,
      `select file_id from ingest_files where status in ('pending', 'active')
        order by file_id limit 3 for update skip locked`,
    )
    return `locked ${locked} unfinished files for ${seconds(forMs)}`
  },
}

export const tableLock: Fault = {
  name: 'table-lock',
  family: 'server',
  what: 'a foreign lock on user_activity',
  async strike(world) {
    await inWork(world.fleet.any(world.chance), world)
    const [forMs] = await locking(world, 'lock table user_activity in share mode')
    return `locked user_activity against writers for ${seconds(forMs)}`
  },
}

/** A stranger's transaction that keeps a lock for some seconds. */
async function locking({ server, chance, stop }: World, sql: string): Promise<[number, number]> {
  const forMs = chance.whole(1_000, 5_000)
  const stranger = await server.database.pool.connect()
  try {
    await stranger.query('begin')
    const { rowCount } = await stranger.query(sql)
    await pause(forMs, stop)
    await stranger.query('rollback')
    return [forMs, rowCount ?? 0]
  } finally {
    stranger.release(true)
  }
}

/** The server is in recovery for a moment after a crash of its own. */
async function answers({ server }: World): Promise<void> {
  const isUp = () =>
    server.database.query('select').then(
      () => true,
      () => false,
    )
  await until('the server to answer again', isUp, 30_000)
}
