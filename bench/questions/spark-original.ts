import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OWN_SECONDS, pipelineSide } from '../ingestor.ts'
import { installed, peerSide } from '../peers/peer.ts'
import { sparkOriginal } from '../peers/spark.ts'
import type { Question } from '../question.ts'
import { also, inTurn, ratio } from '../rounds.ts'
import { ROOT } from '../services.ts'

const ORIGINAL = join(ROOT, '../shared/data/original')

export const sparkOriginalFiles: Question = {
  name: 'spark-original',
  title: 'The files of the original, drained, against the job of the original',
  async ask(bench) {
    const { sizes, made, say } = bench
    const there = existsSync(ORIGINAL)
    const files = await (there ? made.copied(ORIGINAL, 'original') : made.likeTheOriginal())
    const { peers, versions, skipped } = await installed([sparkOriginal], bench)
    const sides = [pipelineSide(bench, files), ...peers.map(peer => peerSide(bench, peer, files))]
    const measured = await inTurn(sides, sizes.rounds, say)
    const [pipeline, original] = measured
    const what = 'time of the original / time of the pipeline'
    const verdicts =
      original === undefined
        ? []
        : [
            ratio(
              `${what}, start-up of both left out`,
              { at: 'least', value: 100 },
              [original],
              [pipeline!, also(OWN_SECONDS)],
            ),
          ]
    return {
      unit: 's',
      sides: measured,
      verdicts,
      skipped,
      notes: [
        `Versions: ${versions.join(', ') || 'no peer'}.`,
        `${files.files} files with ${files.rows.toLocaleString('en')} rows, ${there ? 'as the original generator left them' : 'of the shape that the original generator made'}.`,
        "Spark's times begin with the query; the pipeline's bar is the whole process, and its time without start-up is what the goal is held to.",
      ],
    }
  },
}
