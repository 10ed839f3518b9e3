import { withFresh } from '../clean-start.ts'
import { startIngestor } from '../ingestor.ts'
import { copyInSteps, dropInSteps, P99 } from '../latency.ts'
import type { Question } from '../question.ts'
import { also, inTurn, ratio } from '../rounds.ts'
import { stepsOf } from '../steps.ts'

const EVENTS_PER_SECOND = 100
const ROWS_PER_FILE = 5
/** Of each side, to let both warm up: not counted. */
const WARM_UP_SECONDS = 1

export const latency: Question = {
  name: 'latency',
  title: `From rename to visible, at ${EVENTS_PER_SECOND} events a second`,
  async ask(bench) {
    const { sizes, made, say } = bench
    const filesPerSecond = EVENTS_PER_SECOND / ROWS_PER_FILE
    const files = (sizes.latencySeconds + WARM_UP_SECONDS) * filesPerSecond
    const folder = await made.inFilesOf(ROWS_PER_FILE, await made.plain(files * ROWS_PER_FILE))
    const steps = await stepsOf(folder)
    const pace = { everyMs: 1000 / filesPerSecond, warmUp: WARM_UP_SECONDS * filesPerSecond }
    const sides = [
      {
        name: 'pipeline: rename to visible',
        run: () =>
          withFresh(bench, async (database, data) => {
            const ingestor = await startIngestor(bench, database, data)
            const sample = await dropInSteps(steps, pace, database, data)
            return { ...sample, memoryMb: await ingestor.stop() }
          }),
      },
      {
        name: 'COPY + COMMIT, connection open',
        run: () => withFresh(bench, database => copyInSteps(steps, pace, database)),
      },
    ]
    const [pipeline, copy] = await inTurn(sides, sizes.rounds, say)
    const p99 = also(P99)
    return {
      unit: 'ms',
      sides: [pipeline!, copy!],
      verdicts: [
        ratio('p50 / p50 of COPY + COMMIT', { at: 'most', value: 3 }, [pipeline!], [copy!]),
        ratio(
          'p99 / p99 of COPY + COMMIT',
          { at: 'most', value: 10 },
          [pipeline!, p99],
          [copy!, p99],
        ),
      ],
      notes: [
        `Files of ${ROWS_PER_FILE} rows, ${filesPerSecond} a second, renamed into the folder of a running ingestor; a poller on an open connection asks for the file's last row over and over, and what counts is the answer that has it. COPY + COMMIT: the same rows, BEGIN before the clock starts, until COMMIT is answered, the same poller running. ${steps.length - pace.warmUp} files a round; bars are p50.`,
      ],
    }
  },
}
