import { OWN_SECONDS, pipelineSide } from '../ingestor.ts'
import type { Question } from '../question.ts'
import { also, inTurn, ratio } from '../rounds.ts'

export const imperfectRows: Question = {
  name: 'imperfect-rows',
  title: 'A tenth duplicates, a tenth bad rows',
  async ask(bench) {
    const { sizes, made, say } = bench
    const clean = await made.plain(sizes.rows)
    const twice = await made.duplicates(sizes.rows)
    const spoiled = await made.spoiled(sizes.rows)
    const sides = [
      pipelineSide(bench, clean, 'clean'),
      pipelineSide(bench, twice, '10 % duplicates'),
      pipelineSide(bench, spoiled, '10 % bad rows'),
    ]
    const [good, duplicates, bad] = await inTurn(sides, sizes.rounds, say)
    const goal = { at: 'most', value: 1.5 } as const
    const own = also(OWN_SECONDS)
    return {
      unit: 's',
      sides: [good!, duplicates!, bad!],
      verdicts: [
        ratio('time with duplicates / clean', goal, [duplicates!], [good!]),
        ratio('time with bad rows / clean', goal, [bad!], [good!]),
        ratio('with duplicates, start-up left out', goal, [duplicates!, own], [good!, own]),
        ratio('with bad rows, start-up left out', goal, [bad!, own], [good!, own]),
      ],
      notes: [
        `${clean.rows.toLocaleString('en')} rows. Duplicates repeat an earlier line of the same file. Bad rows are spoiled in every way that a line can be by itself, in turn; each is kept with its place, reason and bytes.`,
      ],
    }
  },
}
