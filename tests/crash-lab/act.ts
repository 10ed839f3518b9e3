import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import type { Ingestor } from './ingestor.ts'
import { type Look, lookAt, openTransaction, sessionsGone } from './look.ts'
import { BATCH_BEGINS, type Moment } from './moments.ts'
import { counted, number, type Paper } from './paper.ts'
import { fileNameIn, generator, isIn, type Stage } from './stage.ts'

export interface Act {
  stage: Stage
  paper: Paper
  moment: Moment
  pauseMs: number
  stop: AbortSignal
}

const TAKEOVER_MS = 20_000
const DONE_MS = 60_000

/** Kills an ingestor at its moment (or the server under it), and follows the file to its end. */
export async function killAtWork(act: Act): Promise<void> {
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
    caught ?? byChance(stage, fileName),
  )
  if (moment.at?.unheard) await settled(stage, victim)
  const before = (await lookAt(stage.database, fileName))!
  const inFlight = await describeFlight(act, victim, before)
  await paper.rest(pauseMs, stop)

  if (moment.victim === 'server') await crashServer(act, victim)
  else await killIngestor(act, victim)

  const after = (await lookAt(stage.database, fileName))!
  describeAftermath(act, inFlight, before, after)
  await paper.rest(pauseMs, stop)
  if (moment.victim === 'ingestor') await describeSurvivor(act, victim, fileName, after)
  await describeEnd(act, fileName)
  if (moment.victim === 'ingestor') await victim.start()
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

async function describeSurvivor(
  { stage, paper }: Act,
  victim: Ingestor,
  fileName: string,
  left: Look,
): Promise<void> {
  const survivor = stage.ingestors.find(ingestor => ingestor !== victim)!
  const startedMs = performance.now()
  const waited = () => ((performance.now() - startedMs) / 1_000).toFixed(1)
  if (left.status === 'done') {
    await paper.whileWaiting(
      'the survivor looks for what was left behind',
      movedAway(stage, fileName),
    )
    paper.fact(
      'survivor',
      `${survivor.name} has nothing to read; ${waited()} s later the file is in the archive, and marked so`,
    )
    return
  }
  const held = survivor.setTrap({
    ...{ statement: BATCH_BEGINS, left: { passes: 1 }, unheard: false, lastOfFile: false },
  })
  const looked = (async () => {
    await held
    return (await lookAt(stage.database, fileName))!
  })()
  const look = await paper.whileWaiting(
    `${survivor.name} waits for the lease of the dead one to end`,
    Promise.race([looked, sleep(TAKEOVER_MS).then(() => lookAt(stage.database, fileName))]),
  )
  survivor.spring()
  const same = look?.byteOffset === left.byteOffset
  paper.fact(
    'survivor',
    `${survivor.name} took the file over ${waited()} s later (epoch ${left.epoch} → ${look?.epoch}) and goes on at byte ${number(look?.byteOffset ?? -1)}: ${paper.tone(same ? 'good' : 'bad', same ? 'the same' : 'ANOTHER')}`,
  )
}

async function movedAway({ database }: Stage, fileName: string): Promise<Look> {
  return until(
    'the file to be done and moved away',
    async () => {
      const look = await lookAt(database, fileName).catch(() => null)
      return look?.archived ? look : null
    },
    DONE_MS,
  )
}

async function describeEnd({ stage, paper }: Act, fileName: string): Promise<void> {
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
}

const KILLED_AT_BYTES = 2_000_000

/** Kills a generator while it writes; there is nothing to take over. */
export async function killGenerator({ stage, paper, pauseMs, stop }: Act): Promise<void> {
  const { folders, database } = stage
  const life = await generator(stage, 500_000)
  const fileName = await fileNameIn(stage.manifests.at(-1)!)
  const draft = `${fileName}.part`
  const size = async () => (await stat(`${folders.temp}/${draft}`).catch(() => null))?.size ?? 0
  await until('some of the file', async () => (await size()) > KILLED_AT_BYTES)
  paper.fact(
    'in flight',
    `the generator (process ${life.pid}) writes temp/${draft}: ${counted(await size(), 'byte')} so far`,
  )
  await paper.rest(pauseMs, stop)
  life.signal('SIGKILL')
  await life.ended
  paper.fact('✗ kill -9', `the generator, process ${life.pid}, is gone`, 'bad')
  const seen = await lookAt(database, fileName)
  paper.fact(
    'folder',
    `input/ ${(await isIn(folders.input, fileName)) ? 'HAS' : 'has not'} seen the file; temp/ keeps the draft, which a later generator clears away once it is ten minutes old`,
  )
  paper.fact('PostgreSQL', seen ? `KNOWS ${fileName}` : 'has never heard of it')
  paper.fact('in the end', 'a file that was never delivered: lost 0, doubled 0 ✓', 'good')
}

function offsetOf({ byteOffset, sizeBytes }: Look): string {
  return `${number(byteOffset)} of ${number(sizeBytes)} bytes`
}
