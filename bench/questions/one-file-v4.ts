import { againstCopy } from '../against-copy.ts'
import type { Question } from '../question.ts'

export const oneFileV4: Question = {
  name: 'one-file-v4',
  title: 'One file, random ids (UUIDv4), against `\\copy`',
  ask: async bench => againstCopy(bench, await bench.made.randomIds(bench.sizes.rows)),
}
