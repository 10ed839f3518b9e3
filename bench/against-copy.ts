import { OWN_SECONDS, pipelineSide } from './ingestor.ts'
import type { MadeFile } from './made.ts'
import { installed, peerSide } from './peers/peer.ts'
import { psqlCopy } from './peers/psql-copy.ts'
import type { Answer, Bench } from './question.ts'
import { also, inTurn, ratio } from './rounds.ts'

/** One file through the pipeline and through `\copy`, process against process. */
export async function againstCopy(bench: Bench, file: MadeFile): Promise<Answer> {
  const { sizes, made, say } = bench
  const { peers, versions, skipped } = await installed([psqlCopy], bench)
  const lineage = await made.withLineage(file)
  const sides = [pipelineSide(bench, file), ...peers.map(peer => peerSide(bench, peer, lineage))]
  const [pipeline, copy] = await inTurn(sides, sizes.rounds, say)
  const what = 'time of \\copy / time of the pipeline'
  const verdicts =
    copy === undefined
      ? []
      : [
          ratio(what, { at: 'least', value: 1.5 }, [copy], [pipeline!]),
          ratio(`${what}: never under`, { at: 'least', value: 1.2 }, [copy], [pipeline!]),
          ratio(
            `${what}, its start-up left out`,
            { at: 'least', value: 1.5 },
            [copy],
            [pipeline!, also(OWN_SECONDS)],
          ),
        ]
  return {
    unit: 's',
    sides: [pipeline!, ...(copy ? [copy] : [])],
    verdicts,
    skipped,
    notes: [
      `Versions: ${versions.join(', ') || 'no peer'}.`,
      `${file.rows.toLocaleString('en')} rows. Times are of the whole process, from before its start to its end, of both.`,
      '`\\copy` gets a file in which `file_id` and `line_no` are there already; it checks no line, keeps no checkpoint, rejects the file for one bad row.',
    ],
  }
}
