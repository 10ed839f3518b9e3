import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { shown } from '../../contract/shown.ts'
import { EXIT } from '../../runtime/command.ts'
import type { Pool } from '../../runtime/database.ts'
import { errorCode, triage } from '../errors.ts'
import { type Standing, standing } from '../standing.ts'
import { columns, count, duration, grouped, paint } from './paint.ts'
import type { Register } from './register.ts'
import { type CommonOptions, withSession } from './session.ts'

const WATCH_EVERY_MS = 1_000
/** Kinds of rejects, the most frequent first: a screen has room for so many. */
const KINDS_SHOWN = 8

interface StatusOptions extends CommonOptions {
  watch?: boolean
}

export const addStatus: Register = (program: Command, ends) => {
  program
    .command('status')
    .description('how things stand: files, rows, rejects, ingestors, and who paused them')
    .option('--watch', 'again every second, until Ctrl-C')
    .action(ends(showStatus))
}

async function showStatus(options: StatusOptions): Promise<number> {
  await withSession('status', options, async ({ pool }) => {
    do {
      await look(pool, options)
      if (options.watch) await delay(WATCH_EVERY_MS)
    } while (options.watch)
  })
  return EXIT.ok
}

// Whoever watches wants to see the database come back, too.
async function look(pool: Pool, options: StatusOptions): Promise<void> {
  try {
    show(await standing(pool), options)
  } catch (error) {
    if (!options.watch || triage(error) !== 'transient') throw error
    const fault = errorCode(error) || (error as Error).message
    const words = `Database unreachable (${fault}): trying again each second; nothing lost`
    if (options.json) console.log(JSON.stringify({ at: new Date(), unreachable: fault }))
    else if (process.stdout.isTTY) repaint(paint('red', words))
    else console.log(words)
  }
}

// A pipe gets a line each time; only a terminal is painted over.
function show(now: Standing, { json, watch }: StatusOptions): void {
  if (json) console.log(JSON.stringify(now))
  else if (watch && process.stdout.isTTY) repaint(inFull(now))
  else console.log(watch ? verdict(now) : inFull(now))
}

/** Over what stands there, line by line, without a flicker; what the terminal has no room for is left out. */
function repaint(text: string): void {
  const lines = text.split('\n').slice(0, Math.max(1, process.stdout.rows - 1))
  process.stdout.write(`\x1b[H${lines.map(line => `${line}\x1b[K\n`).join('')}\x1b[J`)
}

function inFull(now: Standing): string {
  const { files, rows } = now
  const state = Object.entries(files).filter(([, amount]) => amount > 0)
  const parts = [
    verdict(now),
    '',
    columns(
      ['', 'read', 'loaded', 'duplicate', 'rejected'],
      [['rows', ...[rows.read, rows.loaded, rows.duplicate, rows.rejected].map(grouped)]],
    ),
    `files: ${state.map(([name, amount]) => `${grouped(amount)} ${name}`).join(', ') || 'none yet'}`,
    `last minute: ${count(now.lastMinute.files, 'file')} finished, ${count(now.lastMinute.rows, 'row')} of them`,
  ]
  if (now.latency.p50Seconds !== null)
    parts.push(
      `from found to finished, last 15 minutes: half within ${duration(now.latency.p50Seconds)}, 95 % within ${duration(now.latency.p95Seconds!)}`,
    )
  if (now.ingestors.length === 0) parts.push(paint('yellow', 'no ingestor is connected'))
  for (const { owner, files } of now.ingestors)
    parts.push(`${owner}: ${files === 0 ? 'no file' : count(files, 'file')} in work`)
  for (const [fault, owners] of deaf(now))
    parts.push(
      paint(
        'yellow',
        `${fault} (${owners.join(', ')}); files are found by listing it: ask \`doctor\``,
      ),
    )
  if (now.rejects.length > 0)
    parts.push(
      columns(
        ['rejected because', 'column', 'open'],
        now.rejects
          .slice(0, KINDS_SHOWN)
          .map(({ reason, column, open }) => [reason, column ?? '', grouped(open)]),
      ),
    )
  if (now.rejects.length > KINDS_SHOWN)
    parts.push('the others: select * from ingest_rejects_by_reason')
  return parts.join('\n')
}

/** Who hears of no new files, by the reason. */
function deaf({ ingestors }: Standing): Map<string, string[]> {
  const owners = new Map<string, string[]>()
  for (const { owner, watchFault } of ingestors)
    if (watchFault !== null) owners.set(watchFault, [...(owners.get(watchFault) ?? []), owner])
  return owners
}

/** In one sentence. */
function verdict(now: Standing): string {
  const waiting = `${count(now.filesWaiting, 'file')} waiting`
  if (now.paused) {
    const { by, since, because } = now.paused
    // Whoever may pause may write anything: it is shown, not obeyed.
    const why = shown(because, 200)
    return paint('yellow', `paused by ${by} at ${since.toISOString()}: ${why}; ${waiting}`)
  }
  if (now.filesWaiting === 0) return paint('green', 'Keeping up: 0 files waiting')
  const age = `the oldest for ${duration(now.oldestWaitingSeconds ?? 0)}`
  if (now.ingestors.length === 0) return paint('red', `Nobody at work: ${waiting}, ${age}`)
  return paint('cyan', `At work: ${waiting}, ${grouped(now.bytesWaiting)} bytes, ${age}`)
}
