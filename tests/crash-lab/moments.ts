import type { Chance } from '../support/chance.ts'

/** A moment at which something is killed, and what a learner should know of it. */
export interface Moment {
  readonly name: string
  readonly title: string
  /** Two or three sentences: what the moment is, and what a lesser design would lose there. */
  readonly lesson: string
  readonly victim: 'ingestor' | 'server' | 'generator'
  /**
   * Held at the statement that matches, for the `pass`-th time: it does not reach the server. Or
   * `unheard`: the server does it, and its answer does not come back. Without one, at any time.
   */
  readonly at?: { statement: RegExp; passes: readonly [number, number]; unheard?: boolean }
  /** Only the statement after the one that finishes the file will do. */
  readonly lastOfFile?: boolean
}

/** What a transaction of rows does first: it holds its claims. */
export const BATCH_BEGINS = /for key share of f/
const OFFSETS = /^update ingest_files f\s+set byte_offset/

export const MOMENTS: readonly Moment[] = [
  {
    name: 'copying',
    title: 'in the middle of COPY',
    lesson:
      'Rows are on their way into an open transaction. PostgreSQL has them on its pages already, but nobody may see them before COMMIT, and there will be none.',
    victim: 'ingestor',
    at: { statement: /^copy done$/, passes: [2, 4] },
  },
  {
    name: 'before-offset',
    title: 'between the rows and the offset',
    lesson:
      'The rows are copied, the checkpoint has not moved. Were these two transactions, as in many pipelines, this is where a batch would be loaded twice. Here they are one.',
    victim: 'ingestor',
    at: { statement: OFFSETS, passes: [2, 4] },
  },
  {
    name: 'before-commit',
    title: 'with everything done but COMMIT',
    lesson:
      'Rows, rejects and offset are all written; one word is missing. Without it, none of it ever happened.',
    victim: 'ingestor',
    at: { statement: /^commit$/, passes: [2, 4] },
  },
  {
    name: 'unheard',
    title: 'with COMMIT done, and its answer not heard',
    lesson:
      'The server has committed. The ingestor dies before it learns so: whoever comes next must not load these rows again, and the offset, committed with them, says so.',
    victim: 'ingestor',
    at: { statement: /^commit$/, passes: [2, 4], unheard: true },
  },
  {
    name: 'beginning',
    title: 'at the very start of a transaction',
    lesson:
      'The next lines are read and judged, and the transaction that is to store them has just begun. What the ingestor knows of them is in its memory alone, and memory is not to be relied on.',
    victim: 'ingestor',
    at: { statement: BATCH_BEGINS, passes: [2, 4] },
  },
  {
    name: 'finished-unheard',
    title: 'with the file finished, and still in the input folder',
    lesson:
      'The last COMMIT says done, to the last byte. The ingestor dies before it can move the file away: it must not be taken for a new one.',
    victim: 'ingestor',
    at: { statement: /^commit$/, passes: [1, 1], unheard: true },
    lastOfFile: true,
  },
  {
    name: 'moved',
    title: 'with the file moved away, and PostgreSQL not told',
    lesson:
      'The file is in the archive, the checkpoint still believes it in the input folder. A file is moved by its name and known by its inode: whoever comes next finds it there.',
    victim: 'ingestor',
    at: { statement: /^update ingest_files f set archived_at/, passes: [1, 1] },
  },
  {
    name: 'any',
    title: 'at no particular moment',
    lesson: 'Nothing is held, nothing is chosen: the process is shot while it works.',
    victim: 'ingestor',
  },
  {
    name: 'server',
    title: 'PostgreSQL itself, in the middle of a transaction',
    lesson:
      'The server is stopped as if the power had failed, with a transaction open, and started again. It recovers from its log; what was not committed is not there.',
    victim: 'server',
    at: { statement: OFFSETS, passes: [2, 4] },
  },
  {
    name: 'generator',
    title: 'the generator, in the middle of a file',
    lesson:
      'A file is written beside the input folder and moved in when it is whole. Half a file is never seen: the draft stays where it is and is cleared away later.',
    victim: 'generator',
  },
]

/** Deals them like cards: each comes once before any comes again. */
export function momentsOf(kills: number, chance: Chance): Moment[] {
  const dealt: Moment[] = []
  let deck: Moment[] = []
  while (dealt.length < kills) {
    if (deck.length === 0) deck = [...MOMENTS]
    dealt.push(...deck.splice(chance.whole(0, deck.length - 1), 1))
  }
  return dealt
}
