import { FAILPOINTS } from '../../../services/ingestor/failpoint.ts'
import { LEASE_MS } from '../ingestor.ts'
import { seconds } from '../takeovers.ts'
import { type Fault, inWork, pause } from '../world.ts'

const TAKEOVER_DEADLINE_MS = 60_000
/** Longer than any armed moment is away, with work coming in. */
const DEATH_WITHIN_MS = 20_000

export const kill: Fault = {
  name: 'kill',
  family: 'process',
  what: 'SIGKILL of an ingestor',
  async strike(world) {
    const victim = world.fleet.mortal(world.chance)
    await inWork(victim, world)
    const pid = await victim.kill()
    victim.start()
    const takeover = await world.takeovers.from(pid, TAKEOVER_DEADLINE_MS, world.stop)
    return `killed ${victim.name}: ${takeover}`
  },
}

export const failpoint: Fault = {
  name: 'failpoint',
  family: 'process',
  what: 'SIGKILL at a named moment',
  async strike(world) {
    const victim = world.fleet.mortal(world.chance)
    const point = world.chance.pick(FAILPOINTS)
    const passes = world.chance.whole(1, 4)
    await victim.stop()
    victim.start({ point, passes })
    const { pid } = victim.life!
    let dead = false
    const end = performance.now() + DEATH_WITHIN_MS
    while (!dead && !world.stop.aborted && performance.now() < end) {
      await world.load.burst()
      dead = await victim.dies(1_000, world.stop)
    }
    if (!dead) await victim.kill()
    victim.start()
    const takeover = await world.takeovers.from(pid, TAKEOVER_DEADLINE_MS, world.stop)
    const how = dead ? `killed itself ${point}` : `never came to ${point}, and was killed`
    return `${victim.name} ${how} (time ${passes}): ${takeover}`
  },
}

export const freeze: Fault = {
  name: 'freeze',
  family: 'process',
  what: 'SIGSTOP for longer than the lease',
  async strike(world) {
    const victim = world.fleet.any(world.chance)
    const forMs = LEASE_MS + world.chance.whole(2_000, 6_000)
    await inWork(victim, world)
    const { pid } = victim.life!
    const fencedBefore = victim.fenced
    victim.freeze()
    let takeover = 'nobody was there to take over'
    try {
      const waking = pause(forMs, world.stop)
      const others = world.fleet.working.length > 1
      if (others) takeover = await world.takeovers.from(pid, TAKEOVER_DEADLINE_MS, world.stop)
      await waking
    } finally {
      victim.thaw()
    }
    await victim.fit(TAKEOVER_DEADLINE_MS, world.stop)
    const fenced = victim.fenced > fencedBefore ? ', and it woke up fenced' : ''
    return `froze ${victim.name} for ${seconds(forMs)}: ${takeover}${fenced}`
  },
}

export const stop: Fault = {
  name: 'stop',
  family: 'process',
  what: 'SIGTERM of an ingestor, and a new start',
  async strike(world) {
    const victim = world.fleet.mortal(world.chance)
    await inWork(victim, world)
    const startedMs = performance.now()
    await victim.stop()
    const took = seconds(performance.now() - startedMs)
    victim.start()
    return `stopped ${victim.name} in order, which took ${took}`
  },
}

export const generatorKill: Fault = {
  name: 'generator-kill',
  family: 'process',
  what: 'SIGKILL of the generator',
  async strike(world) {
    await pause(world.chance.whole(0, 2_000), world.stop)
    await world.load.kill()
    world.load.start()
    return 'killed the generator, and started another'
  },
}
