import { pipelineSide } from '../ingestor.ts'
import { pandas } from '../peers/pandas.ts'
import { installed, type Peer, peerSide } from '../peers/peer.ts'
import { pgloader } from '../peers/pgloader.ts'
import { sparkAtItsBest } from '../peers/spark.ts'
import { telegraf } from '../peers/telegraf.ts'
import type { Question } from '../question.ts'
import { inTurn, ratio } from '../rounds.ts'

/** How many times as long each is to take, at least; the issue asks nothing of the last one. */
const TIMES: readonly (readonly [Peer, number])[] = [
  [pgloader, 8],
  [pandas, 10],
  [sparkAtItsBest, 5],
  [telegraf, 1],
]

export const otherLoaders: Question = {
  name: 'other-loaders',
  title: 'One file, against the tools that people use instead',
  async ask(bench) {
    const { sizes, made, say } = bench
    const { peers, versions, skipped } = await installed(
      TIMES.map(([peer]) => peer),
      bench,
    )
    const plain = await made.plain(sizes.rows)
    const lineage = await made.withLineage(plain)
    const sides = [
      pipelineSide(bench, plain),
      ...peers.map(peer => peerSide(bench, peer, peer.takesLineage ? lineage : plain)),
    ]
    const [pipeline, ...others] = await inTurn(sides, sizes.rounds, say)
    const verdicts = others.map((other, index) => {
      const value = TIMES.find(([peer]) => peer === peers[index])![1]
      return ratio(
        `time of ${other.name} / time of the pipeline`,
        { at: 'least', value },
        [other],
        [pipeline!],
      )
    })
    return {
      unit: 's',
      sides: [pipeline!, ...others],
      verdicts,
      skipped,
      notes: [
        `Versions: ${versions.join(', ') || 'no peer'}.`,
        `${plain.rows.toLocaleString('en')} rows with UUIDv7 ids. The pipeline's time is of the whole process, as are those of pgloader and pandas.`,
        "Spark's time begins with the query: its own start-up is shown apart and is not in it. Telegraf's ends when the last row is visible.",
      ],
    }
  },
}
