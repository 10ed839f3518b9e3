import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { EXIT } from '../../runtime/command.ts'
import { type Standing, standing } from '../standing.ts'
import { columns, count, duration, grouped, paint } from './paint.ts'
import type { Register } from './register.ts'
import { type CommonOptions, withSession } from './session.ts'

const WATCH_EVERY_MS = 1_000

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
      show(await standing(pool), options)
      if (options.watch) await delay(WATCH_EVERY_MS)
    } while (options.watch)
  })
  return EXIT.ok
}

// A pipe gets a line each time; only a terminal is painted over.
function show(now: Standing, { json, watch }: StatusOptions): void {
  if (json) console.log(JSON.stringify(now))
  else if (watch && process.stdout.isTTY) process.stdout.write(`\x1b[H\x1b[J${inFull(now)}\n`)
  else console.log(watch ? verdict(now) : inFull(now))
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
  parts.push(
    now.ingestors.length === 0
      ? paint('yellow', 'no ingestor is connected')
      : `ingestors: ${now.ingestors.map(({ owner, files }) => `${owner} (${count(files, 'file')})`).join(', ')}`,
  )
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
        now.rejects.map(({ reason, column, open }) => [reason, column ?? '', grouped(open)]),
      ),
    )
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
    return paint('yellow', `paused by ${by} at ${since.toISOString()}: ${because}; ${waiting}`)
  }
  if (now.filesWaiting === 0) return paint('green', 'Keeping up: 0 files waiting')
  const age = `the oldest for ${duration(now.oldestWaitingSeconds ?? 0)}`
  if (now.ingestors.length === 0) return paint('red', `Nobody at work: ${waiting}, ${age}`)
  return paint('cyan', `At work: ${waiting}, ${grouped(now.bytesWaiting)} bytes, ${age}`)
}
