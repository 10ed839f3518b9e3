import { rename } from 'node:fs/promises'
import { until } from '../../support/until.ts'
import { seconds } from '../takeovers.ts'
import { type Fault, pause, type World } from '../world.ts'

export const growing: Fault = {
  name: 'growing',
  family: 'files',
  what: 'a file grows slowly, resting inside lines',
  async strike(world) {
    const name = world.load.newName('growing')
    const pieces = world.chance.whole(5, 25)
    const pauseMs = world.chance.whole(50, 700)
    await world.load.grow(name, pieces, pauseMs)
    return `${name} grew in ${pieces} pieces, ${seconds(pauseMs)} apart`
  },
}

export const renewed: Fault = {
  name: 'renewed',
  family: 'files',
  what: 'the same name with new content',
  async strike(world) {
    const name = world.load.newName('renewed')
    const generations = world.chance.whole(2, 3)
    for (let generation = 1; generation <= generations; generation++) {
      await world.load.publish(name, generation)
      if (!(await movedAway(name, generation, world))) break
    }
    return `${name} came ${generations} times, each time with other content`
  },
}

export const storm: Fault = {
  name: 'storm',
  family: 'files',
  what: 'hundreds of files within a moment',
  async strike(world) {
    const files = world.chance.whole(100, 300)
    for (let n = 0; n < files; n++) {
      await world.load.publish(world.load.newName('storm'), 1, world.chance.whole(0, 5))
    }
    return `${files} small files at once`
  },
}

export const archiveGone: Fault = {
  name: 'archive-gone',
  family: 'files',
  what: 'the archive folder is not there',
  async strike(world) {
    const forMs = world.chance.whole(1_000, 6_000)
    const { archive } = world.folders
    await rename(archive, `${archive}.away`)
    try {
      await pause(forMs, world.stop)
    } finally {
      await rename(`${archive}.away`, archive)
    }
    return `the archive was not there for ${seconds(forMs)}`
  },
}

/** Only then is what comes under the name a new generation, and not a file that was replaced. */
async function movedAway(name: string, generation: number, world: World): Promise<boolean> {
  const isAway = async () => {
    const there = await world.server.database
      .query(
        `select from ingest_files where file_name = $1 and generation = $2 and archived_at is not null`,
        [name, generation],
      )
      .catch(() => [])
    return there.length > 0
  }
  return until('the file to be archived', isAway, 60_000).then(
    () => true,
    () => false,
  )
}
