/** A fault put into the program on purpose: it must turn the tests red that are there to see it. */
export interface Mutant {
  name: string
  /** What the program does wrong then. */
  fault: string
  file: string
  /** Exact texts of the file, each found once, and what stands there instead. */
  edits: [from: string, to: string][]
  /** Test files, of which at least one must fail. */
  tests: string[]
}

const COMMIT = 'tests/database/commit.test.ts'
const MERGE = 'tests/database/merge.test.ts'
const SIFT = 'tests/database/sift.test.ts'
const CLAIM = 'tests/database/claim.test.ts'
const LOST = 'tests/database/lost-answer.test.ts'
const CONFIGURATION = 'tests/faults/configuration.test.ts'
const GROWING = 'tests/ingestor/growing.test.ts'
const WATCHER = 'tests/ingestor/watcher.test.ts'
const READ = 'tests/ingestor/read.test.ts'
const PARSE = 'tests/ingestor/parse.test.ts'

export const MUTANTS: Mutant[] = [
  {
    name: 'no compare on the offset',
    fault: 'a batch from a stale offset is stored again',
    file: 'services/ingestor/checkpoint.ts',
    edits: [
      [
        `\${OURS('f.epoch, f.byte_offset, f.status', "m.epoch, m.from_offset, 'active'")}`,
        `\${OURS('f.epoch, f.status', "m.epoch, 'active'")}`,
      ],
    ],
    tests: [COMMIT],
  },
  {
    name: 'no compare on the epoch',
    fault: 'a former owner stores what another has taken over',
    file: 'services/ingestor/checkpoint.ts',
    edits: [
      [
        `\${OURS('f.epoch, f.byte_offset, f.status', "m.epoch, m.from_offset, 'active'")}`,
        `\${OURS('f.byte_offset, f.status', "m.from_offset, 'active'")}`,
      ],
    ],
    tests: [COMMIT],
  },
  {
    name: 'nobody asks how many files moved',
    fault: 'the compare-and-set finds nothing, and the rows are stored all the same',
    file: 'services/ingestor/checkpoint.ts',
    edits: [['if (rows.length < moves.length) {', 'if (rows.length < 0) {']],
    tests: [COMMIT],
  },
  {
    name: 'two transactions',
    fault: 'rows and offset commit apart from each other',
    file: 'services/ingestor/commit.ts',
    edits: [
      [
        'await advance(tx, moves, to.leaseMs)',
        `await tx.query('commit')
  await tx.query('begin')
  await advance(tx, moves, to.leaseMs)`,
      ],
    ],
    tests: [COMMIT],
  },
  {
    name: 'the offset first',
    fault: 'the offset is committed before the rows are there',
    file: 'services/ingestor/commit.ts',
    edits: [
      [
        'const left = await load(tx, batch, mode, to.underWay, toMyTurn)',
        `await advance(tx, movesOf(batch, []), to.leaseMs)
  await tx.query('commit')
  await tx.query('begin')
  const left = await load(tx, batch, mode, to.underWay, toMyTurn)`,
      ],
    ],
    tests: [COMMIT],
  },
  {
    name: 'no look at the tag of COMMIT',
    fault: 'a COMMIT that was a rollback counts as stored',
    file: 'services/runtime/database.ts',
    edits: [
      [
        `if (command !== 'COMMIT') throw new CommitRefused(command)`,
        `if (command === '') throw new CommitRefused(command)`,
      ],
    ],
    tests: [COMMIT],
  },
  {
    name: 'archive first',
    fault: 'a file leaves the folder before its rows are committed',
    file: 'services/ingestor/pipeline.ts',
    edits: [
      [
        `import type { InFlight } from './inflight.ts'`,
        `import type { InFlight } from './inflight.ts'\nimport { movesOf } from './checkpoint.ts'`,
      ],
      [
        'const stored = await commit(batch, turn, before, pipeline.committing)',
        `pipeline.onStored({ moves: movesOf(batch, []), rejects: [], mode: 'copy', attempts: 1 })
      await new Promise(resolve => setTimeout(resolve, 50))
      const stored = await commit(batch, turn, before, pipeline.committing)`,
      ],
    ],
    tests: [CONFIGURATION],
  },
  {
    name: 'conflicts do nothing',
    fault: 'the same id with other content is taken for a duplicate',
    file: 'services/ingestor/merge.ts',
    edits: [[`reject: row.differs === '' ? null :`, `reject: row.differs !== null ? null :`]],
    tests: [MERGE],
  },
  {
    name: 'skip mode',
    fault: 'rows that the database refuses are left out and counted as duplicates',
    file: 'services/ingestor/merge.ts',
    edits: [
      [
        'if (tuples.length === 1) return [refused(tuples[0]!, error as Error)]',
        'if (tuples.length === 1) return [{ ...placeOf(tuples[0]!), reject: null }]',
      ],
    ],
    tests: [MERGE],
  },
  {
    name: 'bad quotes are mended',
    fault: 'a line with a stray quote is taken as it comes, or costs its neighbours',
    file: 'services/ingestor/parse.ts',
    edits: [
      [
        '      relax_column_count: true,',
        '      relax_column_count: true,\n      relax_quotes: true,',
      ],
    ],
    tests: [PARSE],
  },
  {
    name: 'rows withheld go unseen',
    fault: 'a row that a trigger drops counts as loaded',
    file: 'services/ingestor/load.ts',
    edits: [['if (taken !== rows.count) throw', 'if (taken > rows.count) throw']],
    tests: [MERGE],
  },
  {
    name: 'no settle',
    fault: 'the line that is being written is taken for a whole one',
    file: 'services/ingestor/read.ts',
    edits: [
      ['if (links === 0 || stillMs >= settleMs)', 'if (links === 0 || stillMs >= 0 * settleMs)'],
    ],
    tests: [GROWING],
  },
  {
    name: 'watcher only',
    fault: 'what the watcher does not tell of is never found',
    file: 'services/ingestor/sweeper.ts',
    edits: [['cameUp || startedAt >= dueAt ||', 'startedAt < 0 * dueAt ||']],
    tests: [WATCHER],
  },
  {
    name: 'no tail check',
    fault: 'a file that was replaced is read on from a stale offset',
    file: 'services/ingestor/read.ts',
    edits: [
      [
        '.hash.equals(expected) ? tailBytes : -1',
        '.hash.length === expected.length ? tailBytes : -1',
      ],
    ],
    tests: [READ],
  },
  {
    name: 'a lost answer counts as a failure',
    fault: 'a COMMIT whose answer was lost is taken for one that never came to be',
    file: 'services/ingestor/commit.ts',
    edits: [
      [
        'if (sent && (await wasStored(sent, to)))',
        'if (sent && !(await wasStored(sent, to)) && attempts < 0)',
      ],
    ],
    tests: [LOST],
  },
  {
    name: 'the late COMMIT is not ended',
    fault: 'a session with a COMMIT on its way is left alone',
    file: 'services/ingestor/commit.ts',
    edits: [
      [
        'if (backend !== null) await endSession(backend, to)',
        'if (backend === 0) await endSession(backend, to)',
      ],
    ],
    tests: [LOST],
  },
  {
    name: 'no standing back',
    fault: 'a batch moves the offset without the one before it',
    file: 'services/ingestor/commit.ts',
    edits: [['await toMyTurn()\n  await advance', 'await advance']],
    tests: [COMMIT],
  },
  {
    name: 'doubtful rows left out',
    fault: 'rows that were sifted out are neither loaded nor counted as duplicates',
    file: 'services/ingestor/commit.ts',
    edits: [['return await mergeRows(tx, doubtful)', 'return []']],
    tests: [SIFT],
  },
  {
    name: 'a guess taken for the truth',
    fault: 'an id that comes between the question and the COPY makes its row a reject',
    file: 'services/ingestor/commit.ts',
    edits: [
      [`return mode === 'copy' ? 'sift' : 'merge'`, `return mode === 'copy' ? 'sift' : 'bisect'`],
    ],
    tests: [SIFT],
  },
  {
    name: 'leases renewed by name',
    fault: 'a claim whose answer was lost is renewed by an owner that does not know of it',
    file: 'services/ingestor/lease.ts',
    edits: [
      [
        `row(f.epoch, f.status) is not distinct from row(mine.epoch, 'active')`,
        `f.status = 'active'`,
      ],
    ],
    tests: [CLAIM],
  },
  {
    name: 'epoch that never grows',
    fault: 'a takeover does not fence the former owner',
    file: 'services/ingestor/claim.ts',
    edits: [['epoch = epoch + 1,', 'epoch = epoch + 0,']],
    tests: [COMMIT, CLAIM],
  },
  {
    name: 'claims without locks',
    fault: 'two ingestors that claim at once may hold the same file',
    file: 'services/ingestor/claim.ts',
    edits: [['for update skip locked\n     ), ranked', '), ranked']],
    tests: [CLAIM],
  },
  {
    name: 'suspects in company',
    fault: 'a file that ends its owner each time takes others with it',
    file: 'services/ingestor/claim.ts',
    edits: [['and (place = 1 or not exists (select from ranked where suspect))', '']],
    tests: [CLAIM],
  },
  {
    name: 'parked for good',
    fault: 'a good file that unrelated kills have parked is never tried again',
    file: 'services/ingestor/lease.ts',
    edits: [
      [
        `where status = 'parked' and due_at <= clock_timestamp()`,
        `where status = 'parked' and due_at is null`,
      ],
    ],
    tests: [CLAIM],
  },
  {
    name: 'a stumble that stays with its batch',
    fault: 'a batch further down the row holds a key that the first one waits for, and both wait',
    file: 'services/ingestor/turn.ts',
    edits: [['    this.#behind?.stumble()\n', '']],
    tests: [COMMIT],
  },
  {
    name: 'only the first stumble counts',
    fault: 'two ingestors wait for each other across their rows until the server ends them',
    file: 'services/ingestor/turn.ts',
    edits: [
      [
        '      if (!(await commits)) throw new OutOfTurn()',
        '      if (!(await commits)) await this.committed',
      ],
    ],
    tests: [SIFT],
  },
]
