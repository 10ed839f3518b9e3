import { flushed, withFresh } from '../clean-start.ts'
import { put } from '../folders.ts'
import { OWN_SECONDS, runOnce } from '../ingestor.ts'
import type { Question, Side } from '../question.ts'
import { also, inTurn, ratio } from '../rounds.ts'

const ROWS_PER_FILE = 1_000

export const twoIngestors: Question = {
  name: 'two-ingestors',
  title: 'Two ingestors on one backlog against one',
  async ask(bench) {
    const { sizes, made, say } = bench
    const folder = await made.inFilesOf(ROWS_PER_FILE, await made.plain(sizes.rows))
    const side = (name: string, ingestors: number): Side => ({
      name,
      run: () =>
        withFresh(bench, async (database, data) => {
          await put(folder, data.input)
          await flushed(bench)
          const startedMs = performance.now()
          const runs = Array.from({ length: ingestors }, () => runOnce(bench, database, data))
          const ended = await Promise.all(runs)
          const seconds = (performance.now() - startedMs) / 1000
          await database.expectRows(folder.rows)
          return {
            value: seconds,
            memoryMb: Math.max(...ended.map(({ memoryMb }) => memoryMb)),
            also: { [OWN_SECONDS]: Math.max(...ended.map(({ summary }) => summary.seconds)) },
          }
        }),
    })
    const measured = await inTurn([side('one', 1), side('two', 2)], sizes.rounds, say)
    const [one, two] = measured
    const goal = { at: 'least', value: 0.95 } as const
    const own = also(OWN_SECONDS)
    return {
      unit: 's',
      sides: measured,
      verdicts: [
        ratio('time of one / time of two', goal, [one!], [two!]),
        ratio('time of one / time of two, start-up left out', goal, [one!, own], [two!, own]),
      ],
      notes: [
        `${folder.files.toLocaleString('en')} files of ${ROWS_PER_FILE.toLocaleString('en')} rows, on the same cores. From the start of the first process to the end of the last. Memory is that of the larger of the two.`,
      ],
    }
  },
}
