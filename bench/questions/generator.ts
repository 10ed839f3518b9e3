import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { timed } from '../child.ts'
import { flushed } from '../clean-start.ts'
import { dataDir } from '../folders.ts'
import { firstLine } from '../programs.ts'
import type { Bench, Question, Sample } from '../question.ts'
import { figure, inTurn } from '../rounds.ts'
import { service } from '../services.ts'

export const generator: Question = {
  name: 'generator',
  title: 'Rows that the generator makes in a second, on one core',
  async ask(bench) {
    const pinned = (await firstLine('taskset', ['--version'])) !== undefined
    const side = { name: 'generator', run: () => generate(bench, pinned) }
    const [measured] = await inTurn([side], bench.sizes.rounds, bench.say)
    return {
      unit: 'rows/s',
      sides: [measured!],
      verdicts: [figure('rows a second', { at: 'least', value: 300_000 }, 'rows/s', measured!)],
      skipped: pinned ? [] : ['taskset: not installed; the generator was not held to one core'],
      notes: [
        `One file of ${bench.sizes.rows.toLocaleString('en')} rows, written, synced and renamed; by the generator's own summary, without the start-up of the process.`,
      ],
    }
  },
}

async function generate(
  { sizes, made, signal, ...bench }: Bench,
  pinned: boolean,
): Promise<Sample> {
  const data = await dataDir(made.folder)
  await flushed({ sizes, made, signal, ...bench })
  const { command, args } = await service('generate')
  const call = [command, ...args, '--files', '1', '--rows', `${sizes.rows}`, '--json']
  const [program, ...rest] = pinned
    ? ['taskset', '-c', `${availableParallelism() - 1}`, ...call]
    : call
  const { stdout, seconds, memoryMb } = await timed(program!, rest, {
    env: { DATA_DIR: data.path, LOG_LEVEL: 'warn' },
    signal,
  })
  await rm(data.path, { recursive: true })
  const { rowsPerSecond } = JSON.parse(stdout)
  return { value: rowsPerSecond, memoryMb, also: { 'with start-up': sizes.rows / seconds } }
}
