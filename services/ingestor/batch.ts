import type { Segment } from './segment.ts'

/** What one transaction stores: segments of one file or of many, in order. */
export interface Batch {
  readonly segments: readonly Segment[]
  readonly rows: number
  readonly rejects: number
}

export interface BatchLimits {
  batchRows: number
  /** Bounds the memory of a batch where lines are long. */
  batchBytes: number
  /** Bounds the statements of a batch where files are small. */
  batchSegments: number
}

/** Gathers segments until a batch is full; what is left at the end is a batch too. */
export function* inBatches(segments: Iterable<Segment>, limits: BatchLimits): Generator<Batch> {
  let gathered: Segment[] = []
  let lines = 0
  let bytes = 0
  for (const segment of segments) {
    gathered.push(segment)
    lines += segment.offsets.length + segment.rejects.length
    bytes += segment.bytes
    if (
      lines >= limits.batchRows ||
      bytes >= limits.batchBytes ||
      gathered.length >= limits.batchSegments
    ) {
      yield batchOf(gathered)
      gathered = []
      lines = bytes = 0
    }
  }
  if (gathered.length > 0) yield batchOf(gathered)
}

function batchOf(segments: Segment[]): Batch {
  return {
    segments,
    rows: segments.reduce((sum, { offsets }) => sum + offsets.length, 0),
    rejects: segments.reduce((sum, { rejects }) => sum + rejects.length, 0),
  }
}

/** Whether `later` goes on with the file that `earlier` ends in: then it must commit after it. */
export function continues(earlier: Batch, later: Batch): boolean {
  return earlier.segments.at(-1)!.claim.fileId === later.segments[0]!.claim.fileId
}
