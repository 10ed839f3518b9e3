import { withFresh } from '../clean-start.ts'
import { ingestOnce, OWN_SECONDS, startIngestor } from '../ingestor.ts'
import { dropInSteps, P99 } from '../latency.ts'
import type { Measured, Question, Side } from '../question.ts'
import { also, figure, inTurn } from '../rounds.ts'
import { stepsOf } from '../steps.ts'

const ROWS_PER_FILE = 1_000
const WARM_UP_SECONDS = 1
/** A watcher that asks without a pause would take a core from the load. */
const POLL_PAUSE_MS = 2

export const latencyUnderLoad: Question = {
  name: 'latency-under-load',
  title: 'From rename to visible, at half of the most that it can take',
  async ask(bench) {
    const { sizes, made, say } = bench
    const folder = await made.inFilesOf(ROWS_PER_FILE, await made.plain(sizes.rows))
    const all = await stepsOf(folder)
    let maxRows = 0
    const most: Side = {
      name: 'the most: a backlog of the same files',
      async run() {
        const sample = await ingestOnce(bench, folder)
        maxRows = folder.rows / sample.also![OWN_SECONDS]!
        return {
          ...sample,
          value: (1000 * sample.value) / folder.files,
          also: { rowsPerSecond: maxRows },
        }
      },
    }
    const half: Side = {
      name: 'half of it: p50',
      run: () =>
        withFresh(bench, async (database, data) => {
          const filesPerSecond = maxRows / 2 / ROWS_PER_FILE
          const warmUp = Math.ceil(WARM_UP_SECONDS * filesPerSecond)
          const steps = all.slice(0, Math.ceil(warmUp + sizes.latencySeconds * filesPerSecond))
          const pace = {
            everyMs: 1000 / filesPerSecond,
            warmUp: Math.min(warmUp, steps.length / 2),
          }
          const ingestor = await startIngestor(bench, database, data)
          const sample = await dropInSteps(steps, pace, database, data, POLL_PAUSE_MS)
          return { ...sample, memoryMb: await ingestor.stop() }
        }),
    }
    const rounds: Measured[][] = []
    for (let round = 0; round < sizes.rounds; round += 1) {
      rounds.push(await inTurn([most, half], 1, say))
    }
    const [drained, steady] = [0, 1].map(side => ({
      name: rounds[0]![side]!.name,
      samples: rounds.map(measured => measured[side]!.samples[0]!),
    }))
    return {
      unit: 'ms',
      sides: [steady!],
      verdicts: [figure('p99', { at: 'most', value: 250 }, 'ms', steady!, also(P99))],
      notes: [
        `Files of ${ROWS_PER_FILE.toLocaleString('en')} rows. The most is what a backlog of ${folder.files.toLocaleString('en')} of them drained at in the same round, start-up left out: ${Math.round(Math.min(...drained!.samples.map(also('rowsPerSecond')))).toLocaleString('en')} to ${Math.round(Math.max(...drained!.samples.map(also('rowsPerSecond')))).toLocaleString('en')} rows/s. Half of that is renamed into the folder of a running ingestor, evenly, for up to ${sizes.latencySeconds} s after a second of warm-up.`,
      ],
    }
  },
}
