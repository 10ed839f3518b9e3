import { ingestOnce, OWN_SECONDS } from '../ingestor.ts'
import type { Measured, Question, Verdict } from '../question.ts'
import { inTurn, medianOf } from '../rounds.ts'

const ROWS_PER_FILE = 10

export const backlog: Question = {
  name: 'backlog',
  title: 'Time per file, by the length of the backlog',
  async ask(bench) {
    const { sizes, made, say } = bench
    const sides = []
    for (const files of sizes.backlogs) {
      const rows = await made.plain(files * ROWS_PER_FILE)
      const folder = await made.inFilesOf(ROWS_PER_FILE, rows)
      const run = async () => {
        const { memoryMb, also, value } = await ingestOnce(bench, folder)
        const perFile = (seconds: number) => (seconds * 1000) / files
        return {
          value: perFile(also![OWN_SECONDS]!),
          memoryMb: memoryMb!,
          also: { 'with start-up': perFile(value) },
        }
      }
      sides.push({ name: `${files.toLocaleString('en')} files`, run })
    }
    const measured = await inTurn(sides, sizes.rounds, say)
    return {
      unit: 'ms a file',
      sides: measured,
      verdicts: [slowestOverFastest(measured)],
      notes: [
        `Files of ${ROWS_PER_FILE} rows. Times by the summary's own clock, without the start-up of the process, which a short backlog would otherwise be a measure of.`,
      ],
    }
  },
}

function slowestOverFastest(measured: readonly Measured[]): Verdict {
  const spreadOf = (values: number[]) => Math.max(...values) / Math.min(...values)
  const rounds = measured[0]!.samples.map((_, round) =>
    spreadOf(measured.map(({ samples }) => samples[round]!.value)),
  )
  return {
    what: 'slowest / fastest of the three',
    goal: { at: 'most', value: 1.2 },
    unit: 'times',
    value: spreadOf(measured.map(side => medianOf(side))),
    min: Math.min(...rounds),
    max: Math.max(...rounds),
  }
}
