import { EXIT, exitWith } from '../../services/runtime/command.ts'
import { createLogger } from '../../services/runtime/logger.ts'
import { stopOnSignals } from '../../services/runtime/shutdown.ts'
import { cleanUp } from '../support/cleanup.ts'
import { killAll } from '../support/life.ts'
import { killAtWork } from './act.ts'
import { readFlags } from './flags.ts'
import { killGenerator } from './kill-generator.ts'
import { momentsOf } from './moments.ts'
import { Paper } from './paper.ts'
import { prove } from './proof.ts'
import { openStage } from './stage.ts'

const INTERRUPTED = 130

await exitWith(async () => {
  const flags = readFlags(process.argv, process.stdout.isTTY)
  const stop = stopOnSignals(createLogger('crash-lab', 'silent'))
  const paper = new Paper(process.stdout)
  const interrupted = new Promise<number>(resolve =>
    stop.addEventListener('abort', () => resolve(INTERRUPTED), { once: true }),
  )
  try {
    return await Promise.race([lab(), interrupted])
  } finally {
    paper.stopWaiting()
    await killAll()
    await cleanUp()
    if (stop.aborted) console.log('\nStopped; nothing is left running, and nothing is left behind.')
  }

  async function lab(): Promise<number> {
    paper.heading('Crash lab', `seed ${flags.seed}`)
    paper.say(
      'A generator writes files of events, two ingestors load them into PostgreSQL. All of it is real, and all of it is about to be killed. Watch what happens to the rows.',
    )
    const stage = await paper.whileWaiting(
      'starting PostgreSQL and two ingestors',
      openStage(flags.seed),
    )
    paper.gap()
    paper.fact('PostgreSQL', stage.database.url)
    for (const { name, pid } of stage.ingestors) paper.fact(name, `process ${pid}`)
    const moments = momentsOf(flags.kills, stage.chance)
    let well = true
    for (const [index, moment] of moments.entries()) {
      paper.heading(`Kill ${index + 1} of ${moments.length}: ${moment.title}`)
      paper.say(moment.lesson)
      paper.gap()
      await paper.rest(flags.pauseMs, stop)
      const act = { stage, paper, moment, pauseMs: flags.pauseMs, stop }
      well = (await (moment.victim === 'generator' ? killGenerator(act) : killAtWork(act))) && well
    }
    const holds = (await prove(stage, paper, moments.length)) && well
    if (flags.stay && !stop.aborted) {
      paper.gap()
      paper.fact('still there', `psql ${stage.database.url}   (Ctrl-C ends it)`)
      await interrupted
    }
    await Promise.all(stage.ingestors.map(ingestor => ingestor.stop()))
    paper.gap()
    return holds ? EXIT.ok : EXIT.failure
  }
})

// What was waited for when Ctrl-C came is of no interest any more.
process.exit()
