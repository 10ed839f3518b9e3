import type { Question } from './question.ts'
import { backlog } from './questions/backlog.ts'
import { generator } from './questions/generator.ts'
import { imperfectRows } from './questions/imperfect-rows.ts'
import { latency } from './questions/latency.ts'
import { latencyUnderLoad } from './questions/latency-under-load.ts'
import { memory } from './questions/memory.ts'
import { oneFileV4 } from './questions/one-file-v4.ts'
import { oneFileV7 } from './questions/one-file-v7.ts'
import { otherLoaders } from './questions/other-loaders.ts'
import { smallFiles } from './questions/small-files.ts'
import { sparkOriginalFiles } from './questions/spark-original.ts'
import { start } from './questions/start.ts'
import { twoIngestors } from './questions/two-ingestors.ts'

/** In the order of the report. */
export const QUESTIONS: readonly Question[] = [
  oneFileV7,
  oneFileV4,
  otherLoaders,
  sparkOriginalFiles,
  smallFiles,
  backlog,
  imperfectRows,
  latency,
  latencyUnderLoad,
  memory,
  twoIngestors,
  start,
  generator,
]
