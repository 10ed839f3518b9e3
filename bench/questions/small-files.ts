import { OWN_SECONDS, pipelineSide } from '../ingestor.ts'
import type { Question } from '../question.ts'
import { also, inTurn, ratio } from '../rounds.ts'

const ROWS_PER_FILE = 75

export const smallFiles: Question = {
  name: 'small-files',
  title: `The same rows as files of ${ROWS_PER_FILE} rows`,
  async ask(bench) {
    const { sizes, made, say } = bench
    const one = await made.plain(sizes.rows)
    const many = await made.inFilesOf(ROWS_PER_FILE, one)
    const sides = [
      pipelineSide(bench, one, 'one file'),
      pipelineSide(bench, many, `${many.files.toLocaleString('en')} files`),
    ]
    const [whole, parts] = await inTurn(sides, sizes.rounds, say)
    const what = 'time of the many files / time of the one'
    const goal = { at: 'most', value: 1.25 } as const
    const own = also(OWN_SECONDS)
    return {
      unit: 's',
      sides: [whole!, parts!],
      verdicts: [
        ratio(what, goal, [parts!], [whole!]),
        ratio(`${what}, start-up left out`, goal, [parts!, own], [whole!, own]),
      ],
      notes: [
        `${one.rows.toLocaleString('en')} rows. Each file is registered, checkpointed, moved to the archive and marked there; that is in the time.`,
      ],
    }
  },
}
