import { type Mischief, onStatement } from '../../support/proxy.ts'
import { seconds } from '../takeovers.ts'
import { type Fault, pause, type World } from '../world.ts'

/** What is meant to happen to a COMMIT waits at most so long for one. */
const COMMIT_WITHIN_MS = 10_000

export const commitLost: Fault = {
  name: 'commit-lost',
  family: 'network',
  what: 'the answer to COMMIT is lost',
  strike: world => onCommits(world, { kind: 'lose the answer' }, 'lost the answers to'),
}

export const commitDropped: Fault = {
  name: 'commit-dropped',
  family: 'network',
  what: 'COMMIT never reaches the server',
  strike: world => onCommits(world, { kind: 'drop' }, 'dropped'),
}

export const commitLate: Fault = {
  name: 'commit-late',
  family: 'network',
  what: 'COMMIT reaches the server late, its client gone',
  strike: world =>
    onCommits(world, { kind: 'deliver late', ms: world.chance.whole(200, 5_000) }, 'delayed'),
}

export const blackHole: Fault = {
  name: 'black-hole',
  family: 'network',
  what: 'a connection falls silent both ways',
  // The client's own time-out is a minute.
  recoveryMs: 120_000,
  async strike(world) {
    const victim = world.fleet.any(world.chance)
    const { proxy } = victim
    const statement = world.chance.pick([/^copy data$/, /^commit$/, /^begin/])
    const before = proxy.done
    proxy.mischief = onStatement(statement, { kind: 'black hole' })
    await until10s(() => proxy.done > before, world)
    proxy.mischief = () => null
    return `a connection of ${victim.name} fell silent at ${statement.source}`
  },
}

export const slow: Fault = {
  name: 'slow',
  family: 'network',
  what: 'a slow way to the server',
  async strike(world) {
    const victim = world.fleet.any(world.chance)
    const delayMs = world.chance.whole(20, 300)
    const forMs = world.chance.whole(2_000, 8_000)
    victim.proxy.delayMs = delayMs
    await pause(forMs, world.stop)
    victim.proxy.delayMs = 0
    return `${delayMs} ms on every way of ${victim.name} for ${seconds(forMs)}`
  },
}

export const reset: Fault = {
  name: 'reset',
  family: 'network',
  what: 'connections are reset in the middle of COPY',
  async strike(world) {
    const victim = world.fleet.any(world.chance)
    const { proxy } = victim
    const times = world.chance.whole(1, 4)
    const before = proxy.done
    proxy.mischief = onStatement(/^copy data$/, { kind: 'reset' }, times)
    await until10s(() => proxy.done >= before + times, world)
    proxy.mischief = () => null
    return `reset ${proxy.done - before} connections of ${victim.name} in the middle of COPY`
  },
}

async function onCommits(world: World, mischief: Mischief, verb: string): Promise<string> {
  const victim = world.fleet.any(world.chance)
  const { proxy } = victim
  const times = world.chance.whole(1, 3)
  const before = proxy.done
  proxy.mischief = onStatement(/^commit$/, mischief, times, world.chance.whole(0, 3))
  await until10s(() => proxy.done >= before + times, world)
  proxy.mischief = () => null
  return `${verb} ${proxy.done - before} COMMITs of ${victim.name}`
}

async function until10s(condition: () => boolean, { stop }: World): Promise<void> {
  const end = performance.now() + COMMIT_WITHIN_MS
  while (!condition() && !stop.aborted && performance.now() < end) await pause(10, stop)
}
