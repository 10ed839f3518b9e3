import { filesOf } from '../support/answers.ts'
import { breachesSeenBy, inSnapshot } from '../support/checker.ts'
import { settleContested } from '../support/contested.ts'
import { number, type Paper } from './paper.ts'
import type { Stage } from './stage.ts'

/** What a person can ask of any database of this system. */
const QUESTIONS = [
  {
    sql: `select sum(rows_read) as read, sum(rows_loaded) as loaded, sum(rows_duplicate) as duplicate,
       sum(rows_rejected) as rejected from ingest_files;`,
    holds: 'read = loaded + duplicate + rejected',
  },
  {
    sql: `select count(*) as rows, count(distinct event_id) as events from user_activity;`,
    holds: 'the same number twice: each event is there once',
  },
  {
    sql: `select count(*) as files, count(*) filter (where byte_offset = size_bytes) as to_the_last_byte
  from ingest_files;`,
    holds: 'the same number twice: every file was read to its last byte',
  },
  {
    sql: `select count(*) as discrepancies from ingest_discrepancies;`,
    holds: '0: what the checkpoint says is what the tables hold',
  },
]

/** The account, in plain words. @returns whether it holds */
export async function prove(stage: Stage, paper: Paper, kills: number): Promise<boolean> {
  const { database, folders } = stage
  const read = await Promise.all(stage.manifests.map(manifest => filesOf(manifest, folders)))
  const written = read.flatMap(({ files }) => files)
  const { breaches, files } = await inSnapshot(database, async tx => {
    const files = await settleContested(tx, written)
    return {
      files,
      breaches: [
        ...read.flatMap(({ breaches }) => breaches),
        ...(await breachesSeenBy(tx, { files, folders })),
      ],
    }
  })
  const lines = files.flatMap(({ lines }) => lines)
  const [sums] = await database.query<Record<string, number>>(
    `select (select count(*) from user_activity) as loaded, sum(rows_duplicate)::int as duplicate,
            (select count(*) from user_activity_errors) as rejected,
            (select count(distinct event_id) from user_activity) as events,
            sum(byte_offset)::int as offsets from ingest_files`,
  )
  const { loaded, duplicate, rejected, events, offsets } = sums as Record<string, number> & {
    [name in 'loaded' | 'duplicate' | 'rejected' | 'events' | 'offsets']: number
  }
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0)
  const mark = (holds: boolean) => (holds ? paper.tone('good', '✓') : paper.tone('bad', '✗'))
  const accounted = loaded + duplicate + rejected

  paper.heading('The account')
  paper.fact(
    'written',
    `${number(lines.length)} lines in ${files.length} files, by the generator's own list, which the ingestors never see`,
  )
  paper.fact(
    'accounted',
    `${number(loaded)} loaded + ${number(duplicate)} duplicate + ${number(rejected)} rejected = ${number(accounted)} ${mark(accounted === lines.length)}`,
  )
  paper.fact(
    'once',
    `${number(loaded)} rows, ${number(events)} different events: each is there once ${mark(loaded === events)}`,
  )
  paper.fact(
    'every byte',
    `offsets add up to ${number(offsets)} bytes, the files to ${number(bytes)} ${mark(offsets === bytes)}`,
  )
  paper.fact(
    'line by line',
    `each good line against its row, field by field, each bad line against its reject, byte by byte: ${breaches.length} differences ${mark(breaches.length === 0)}`,
  )
  for (const breach of breaches.slice(0, 10)) paper.fact('', breach, 'bad')
  paper.gap()
  const holds =
    breaches.length === 0 && accounted === lines.length && loaded === events && offsets === bytes
  paper.say(
    holds
      ? `${kills} ${kills === 1 ? 'kill' : 'kills'}. 0 rows lost. 0 rows doubled.`
      : `${kills} ${kills === 1 ? 'kill' : 'kills'}, and the account does NOT hold.`,
    holds ? 'good' : 'bad',
  )
  await ask(stage, paper)
  return holds
}

async function ask({ database }: Stage, paper: Paper): Promise<void> {
  paper.heading('See it yourself')
  paper.say(
    'The same questions work on any database of this system: npm start, Docker, or your own.',
  )
  for (const { sql, holds } of QUESTIONS) {
    paper.gap()
    for (const line of sql.split('\n')) paper.code(line)
    const [row] = await database.query(sql)
    const answer = Object.entries(row!)
      .map(([name, value]) => `${name} ${number(Number(value))}`)
      .join(', ')
    paper.fact('→', `${answer}  (${holds})`)
  }
}
