import { againstCopy } from '../against-copy.ts'
import type { Question } from '../question.ts'

export const oneFileV7: Question = {
  name: 'one-file-v7',
  title: 'One file, ids in order (UUIDv7), against `\\copy`',
  ask: async bench => againstCopy(bench, await bench.made.plain(bench.sizes.rows)),
}
