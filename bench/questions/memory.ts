import { pipelineSide } from '../ingestor.ts'
import type { Question, Side } from '../question.ts'
import { figure, inTurn, ratio } from '../rounds.ts'

const BYTES_PER_ROW = 121
const SMALL_BYTES = 100e6
const MOST_MB = 200

export const memory: Question = {
  name: 'memory',
  title: 'Resident memory, by the size of a file',
  async ask(bench) {
    const { sizes, made, say } = bench
    const smallBytes = Math.min(SMALL_BYTES, sizes.rows * BYTES_PER_ROW)
    const sideOf = async (bytes: number): Promise<Side> => {
      const file = await made.plain(Math.round(bytes / BYTES_PER_ROW))
      const { run } = pipelineSide(bench, file)
      return {
        name: `a file of ${shownBytes(bytes)}`,
        async run() {
          const { value, memoryMb } = await run()
          return { value: memoryMb!, memoryMb: memoryMb!, also: { seconds: value } }
        },
      }
    }
    const [smallSide, largeSide] = [await sideOf(smallBytes), await sideOf(sizes.largeBytes)]
    const [small] = await inTurn([smallSide], sizes.rounds, say)
    // A file of 5 GB takes minutes: once is enough for a high-water mark.
    const [large] = await inTurn([largeSide], 1, say)
    const goal = { at: 'most', value: MOST_MB } as const
    const what = `${shownBytes(sizes.largeBytes)} / ${shownBytes(smallBytes)}`
    return {
      unit: 'MB',
      sides: [small!, large!],
      verdicts: [
        figure(`most memory, ${large!.name}`, goal, 'MB', large!),
        ratio(`memory of ${what}`, { at: 'most', value: 1.1 }, [large!], [small!]),
      ],
      notes: [
        'VmHWM of the ingestor: the most that it ever had resident. The large file once, the small one in every round.',
        ...(sizes.largeBytes < 5e9
          ? [
              'The goal is about 5 GB: not measured in this run, `npm run bench -- memory --large` does.',
            ]
          : []),
      ],
    }
  },
}

function shownBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${bytes / 1e9} GB`
}
