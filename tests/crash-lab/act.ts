import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import type { Ingestor } from './ingestor.ts'
import { type Look, lookAt, openTransaction, sessionsGone } from './look.ts'
import type { Moment } from './moments.ts'
import { counted, number, type Paper } from './paper.ts'
import { fileNameIn, generator, type Stage } from './stage.ts'
import { describeLeftBehind, describeSurvivor, movedAway, resumption, within } from './survivor.ts'

export interface Act {
  stage: Stage
  paper: Paper
  moment: Moment
  pauseMs: number
  stop: AbortSignal
}

const MOMENT_MS = 60_000

/** Kills an ingestor at its moment (or the server under it), and follows the file to its end. @returns whether all is well */
export async function killAtWork(act: Act): Promise<boolean> {
  const { stage, paper, moment, pauseMs, stop } = act
  const rows = stage.chance.whole(900, 1_500)
  const caught = trapped(stage, moment)
  const life = await generator(stage, rows)
  const fileName = await fileNameIn(stage.manifests.at(-1)!)
  await life.ended
  const found = await discovered(stage, fileName)
  paper.fact(
    'dropped',
    `${fileName}: ${counted(rows + 1, 'line')}, ${counted(found.sizeBytes, 'byte')}`,
  )

  const victim = await paper.whileWaiting(
    'waiting for the moment',
    caught ? within(MOMENT_MS, 'the moment', caught) : byChance(stage, fileName),
  )
  if (moment.at?.unheard) await settled(stage, victim)
  const before = (await lookAt(stage.database, fileName))!
  const inFlight = await describeFlight(act, victim, before)
  await paper.rest(pauseMs, stop)

  const survivor = stage.ingestors.find(ingestor => ingestor !== victim)!
  const resumed = moment.victim === 'ingestor' ? resumption(stage, survivor, fileName) : null
  if (moment.victim === 'server') await crashServer(act, victim)
  else await killIngestor(act, victim)

  const after = (await lookAt(stage.database, fileName))!
  describeAftermath(act, inFlight, before, after)
  await paper.rest(pauseMs, stop)
  let same = true
  if (resumed && after.status === 'done') await describeLeftBehind(act, survivor, fileName)
  else if (resumed) same = await describeSurvivor(act, survivor, resumed, after)
  survivor.spring()
  const complete = await describeEnd(act, fileName)
  if (moment.victim === 'ingestor') await victim.start()
  return same && complete
}

/** Both ingestors stand before one trap: whoever has the file walks into it. */
function trapped({ ingestors, chance }: Stage, moment: Moment): Promise<Ingestor> | null {
  if (!moment.at) return null
  const { statement, passes, unheard = false } = moment.at
  const trap = {
    ...{ statement, unheard, left: { passes: chance.whole(...passes) } },
    lastOfFile: moment.lastOfFile ?? false,
  }
  return Promise.race(
    ingestors.map(async ingestor => {
      await ingestor.setTrap(trap)
      for (const other of ingestors) if (other !== ingestor) other.spring()
      return ingestor
    }),
  )
}

async function byChance(stage: Stage, fileName: string): Promise<Ingestor> {
  const look = await until('somebody to take the file', async () => {
    const look = await lookAt(stage.database, fileName)
    return look?.ownerPid || look?.archived ? look : null
  })
  await sleep(stage.chance.whole(0, 60))
  return stage.ingestors.find(({ pid }) => pid === look.ownerPid) ?? stage.ingestors[0]
}

function discovered({ database }: Stage, fileName: string): Promise<Look> {
  return until('the file to be found', () => lookAt(database, fileName))
}

/** The server has done what it was told; nobody has heard so. */
async function settled({ database }: Stage, { pid }: Ingestor): Promise<void> {
  await until('the commit', async () => (await openTransaction(database, pid)) === null)
}

interface Flight {
  rows: number
  rejects: number
  open: boolean
}

async function describeFlight(
  { stage, paper, moment }: Act,
  victim: Ingestor,
  look: Look,
): Promise<Flight> {
  const transaction = await openTransaction(stage.database, victim.pid)
  const { rows, rejects } = victim.copied.counted
  const flight = { rows, rejects, open: transaction !== null }
  paper.fact('in flight', `${victim.name} (process ${victim.pid}) has the file`)
  paper.fact('', `${paper.bar(look.byteOffset, look.sizeBytes)} ${offsetOf(look)} are committed`)
  if (transaction) {
    const sent = `${counted(rows, 'row')}${rejects > 0 ? ` and ${counted(rejects, 'reject')}` : ''}`
    paper.fact(
      '',
      `${sent} in its open transaction (PostgreSQL's process ${transaction.backend}: ${transaction.state}); of these, others can see 0`,
    )
  } else if (moment.at?.unheard) {
    paper.fact(
      '',
      `its COMMIT of ${counted(rows, 'row')} is done on the server; the answer is still on its way`,
    )
  } else {
    paper.fact('', 'no transaction is open at this moment')
  }
  return flight
}

async function killIngestor({ stage, paper }: Act, victim: Ingestor): Promise<void> {
  const { pid } = victim
  await victim.kill()
  paper.fact('✗ kill -9', `${victim.name}, process ${pid}, is gone`, 'bad')
  await sessionsGone(stage.database, pid)
}

async function crashServer({ stage, paper }: Act, victim: Ingestor): Promise<void> {
  await stage.server.crash()
  paper.fact('✗ crash', 'PostgreSQL is gone, without a checkpoint, without a goodbye', 'bad')
  victim.spring()
  const startedMs = performance.now()
  await stage.server.start()
  const took = ((performance.now() - startedMs) / 1_000).toFixed(1)
  paper.fact('', `started again; it recovered from its log in ${took} s`)
}

function describeAftermath({ paper }: Act, flight: Flight, before: Look, after: Look): void {
  if (flight.open) {
    const gone = after.byteOffset === before.byteOffset && after.visible === before.visible
    paper.fact(
      'PostgreSQL',
      gone
        ? `nothing of the open transaction: ${counted(flight.rows, 'row')} rolled back with it`
        : `the transaction was committed at the last moment: ${counted(after.visible - before.visible, 'row')} more`,
    )
  } else {
    paper.fact('PostgreSQL', 'what was committed, and nothing else')
  }
  paper.fact(
    '',
    `checkpoint: ${offsetOf(after)}, line ${number(after.lineNo)}; of this file ${counted(after.visible, 'row')} in the table, ${number(after.loaded)} in the checkpoint: ${paper.tone(after.visible === after.loaded ? 'good' : 'bad', after.visible === after.loaded ? 'equal' : 'NOT EQUAL')}`,
  )
}

async function describeEnd({ stage, paper }: Act, fileName: string): Promise<boolean> {
  const end = await paper.whileWaiting('the rest of the file', movedAway(stage, fileName))
  const { loaded, duplicate, rejected, lineNo, visible } = end
  const [row] = await stage.database.query<{ doubled: number }>(
    `select count(*) - count(distinct event_id) as doubled from user_activity where file_id = $1`,
    [end.fileId],
  )
  const lost = lineNo - 1 - loaded - duplicate - rejected + (loaded - visible)
  const well = lost === 0 && row!.doubled === 0
  paper.fact(
    'in the end',
    `${counted(lineNo, 'line')} = 1 header + ${number(loaded)} loaded + ${number(duplicate)} duplicate + ${number(rejected)} rejected`,
  )
  paper.fact('', `lost ${lost}, doubled ${row!.doubled} ${well ? '✓' : '✗'}`, well ? 'good' : 'bad')
  return well
}

function offsetOf({ byteOffset, sizeBytes }: Look): string {
  return `${number(byteOffset)} of ${number(sizeBytes)} bytes`
}
