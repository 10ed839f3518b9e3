import { stringify } from 'csv-stringify/sync'
import type { Row } from './events.ts'
import { pick, type Randomizer } from './random.ts'
import { replaced } from './spoilers.ts'

/** A good row in a form that is rare: a line with its end, and the seven texts that it says. */
export interface AwkwardLine {
  readonly line: Buffer
  readonly row: Row
}

const SESSIONS = [
  'one, two',
  'the "big" sale',
  '"',
  "=cmd|' /C calc'!A0",
  "'; DROP TABLE user_activity; --",
  '\\.',
  '\\N',
  'C:\\temp\\new',
  ' padded ',
  'Zo\u00eb',
  '\u4f1a\u8bdd-42',
  '\u{1f6d2}'.repeat(50),
]

/** What the contract accepts and careless readers break: quotes, other time forms, CRLF and more. */
export function awkward(row: Row, random: Randomizer): AwkwardLine {
  return pick(random, FORMS)(row, random)
}

const FORMS: readonly ((row: Row, random: Randomizer) => AwkwardLine)[] = [
  (row, random) => written(replaced(row, 'session_id', pick(random, SESSIONS))),
  row => written(row, { quoted: true }),
  row => written(row, { record_delimiter: 'windows' }),
  row => written(replaced(row, 'event_id', row[0]!.toUpperCase())),
  row => written(replaced(row, 'event_time', `${row[1]!.replace(' ', 'T')}Z`)),
  row => written(replaced(row, 'event_time', `${row[1]!.slice(0, 19).replace(' ', 'T')}-05:30`)),
  row => written(replaced(row, 'event_time', row[1]!.slice(0, 19))),
  row => written(replaced(row, 'event_time', '2024-02-29 23:59:59.9')),
  (row, random) => written(replaced(row, 'price', pick(random, ['12', '12.5', '499.0']))),
]

function written(row: Row, options: { quoted?: boolean; record_delimiter?: string } = {}) {
  return { line: Buffer.from(stringify([row as string[]], options)), row }
}
