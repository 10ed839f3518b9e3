import { createHash } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Chance } from './chance.ts'
import type { Folders } from './folders.ts'

/** What must become of one line, written down by whoever wrote the line. */
export type ExpectedLine = { lineNo: number; byteOffset: number; raw: Buffer } & (
  | { verdict: 'event'; event: readonly string[] }
  | { verdict: 'reject'; reason: string }
  | { verdict: 'blank' }
)

/** A file of the tests' own making, with the answer key; shares no code with the ingestor. */
export interface MadeFile {
  readonly name: string
  /** Of the contents that went by this name, the how-manieth. Default 1. */
  readonly generation?: number
  readonly content: Buffer
  readonly sha256: string
  readonly lines: readonly ExpectedLine[]
}

export interface Recipe {
  name: string
  seed: number
  /** Data lines. */
  rows: number
  /** Of 100 data lines, so many are bad. Default 5. */
  badPercent?: number
  /** Of 100 data lines, so many repeat an earlier one of the file. Default 0. */
  repeatPercent?: number
  /** Of 100 lines, so many are blank ones put between. Default 2. */
  blankPercent?: number
}

const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id'

export function makeFile(recipe: Recipe): MadeFile {
  const { badPercent = 5, repeatPercent = 0, blankPercent = 2 } = recipe
  const chance = new Chance(recipe.seed)
  const events: string[][] = []
  const written: { raw: Buffer; end: string; verdict: Verdict }[] = []
  const happens = (percent: number) => chance.fraction() * 100 < percent
  for (let row = 0; row < recipe.rows; row++) {
    if (happens(blankPercent)) {
      written.push({ raw: Buffer.of(), end: '\n', verdict: { verdict: 'blank' } })
    }
    const end = happens(10) ? '\r\n' : '\n'
    if (happens(badPercent)) {
      const { raw, reason } = badLine(chance)
      written.push({ raw, end, verdict: { verdict: 'reject', reason } })
    } else {
      const event =
        events.length > 0 && happens(repeatPercent) ? chance.pick(events) : anEvent(chance)
      events.push(event)
      written.push({ raw: asWritten(event, chance), end, verdict: { verdict: 'event', event } })
    }
  }
  return assembled(recipe.name, written)
}

/** Files `prefix_0000.csv`, `prefix_0001.csv`, …, no id twice among them. */
export function makeFiles(count: number, recipe: Omit<Recipe, 'name'> & { prefix?: string }) {
  const { prefix = 'made' } = recipe
  return Array.from({ length: count }, (_, index) =>
    makeFile({
      ...recipe,
      name: `${prefix}_${String(index).padStart(4, '0')}.csv`,
      seed: recipe.seed * 1_009 + index,
    }),
  )
}

/** One file of given lines: what stands in them, and what must become of them. */
export function fileOf(name: string, lines: readonly GivenLine[]): MadeFile {
  return assembled(
    name,
    lines.map(line =>
      'event' in line
        ? {
            raw: Buffer.from(line.event.join(',')),
            end: '\n',
            verdict: { verdict: 'event', event: line.event },
          }
        : {
            raw: Buffer.from(line.raw),
            end: '\n',
            verdict: { verdict: 'reject', reason: line.reason },
          },
    ),
  )
}

export type GivenLine = { event: readonly string[] } | { raw: string | Buffer; reason: string }

/** As the generator does: written beside, then renamed into the input folder whole. */
export async function publish(
  files: readonly MadeFile[],
  folders: Pick<Folders, 'temp' | 'input'>,
): Promise<void> {
  for (const { name, content } of files) {
    const unfinished = join(folders.temp, name)
    await writeFile(unfinished, content)
    await rename(unfinished, join(folders.input, name))
  }
}

/** The seven texts of a good row that no other row equals. */
export function anEvent(chance: Chance): string[] {
  const h = (digits: number) => chance.hex(digits)
  const two = (max: number, min = 0) => String(chance.whole(min, max)).padStart(2, '0')
  return [
    `${h(8)}-${h(4)}-4${h(3)}-a${h(3)}-${h(12)}`,
    `20${two(29, 20)}-${two(12, 1)}-${two(28, 1)} ${two(23)}:${two(59)}:${two(59)}.${String(chance.whole(0, 999_999)).padStart(6, '0')}`,
    chance.pick(['view', 'purchase']),
    String(chance.whole(1, 2_147_483_647)),
    `${chance.whole(1, 99_999_999)}.${two(99)}`,
    String(chance.whole(1, 2_147_483_647)),
    `session_${h(chance.whole(1, 42))}`,
  ]
}

type Verdict =
  | { verdict: 'event'; event: readonly string[] }
  | { verdict: 'reject'; reason: string }
  | { verdict: 'blank' }

// The same event in other clothes: quotes and the ISO form mean the same row.
function asWritten(event: readonly string[], chance: Chance): Buffer {
  const fields = [...event]
  if (chance.whole(1, 10) === 1) fields[1] = `${fields[1]!.replace(' ', 'T')}Z`
  if (chance.whole(1, 10) === 1) fields[6] = `"${fields[6]}"`
  return Buffer.from(fields.join(','))
}

const SPOILT: [reason: string, column: number, value: string][] = [
  ['empty_field', 6, ''],
  ['bad_uuid', 0, 'not-a-uuid'],
  ['bad_timestamp', 1, '2024-02-30 10:00:00'],
  ['unknown_event_type', 2, 'refund'],
  ['not_a_number', 3, '0x10'],
  ['not_a_number', 4, 'NaN'],
  ['out_of_range', 3, '2147483648'],
  ['out_of_range', 4, '1.005'],
  ['not_a_number', 5, ' 5'],
  ['out_of_range', 5, '0'],
  ['too_long', 6, 'x'.repeat(51)],
  ['column_count', 6, 'one,two'],
  ['bad_quote', 6, '"never closed'],
]

function badLine(chance: Chance): { raw: Buffer; reason: string } {
  const event = anEvent(chance)
  const kind = chance.whole(0, SPOILT.length + 1)
  const [reason, column, value] = SPOILT[kind] ?? ['', 6, '']
  if (reason !== '') {
    return { raw: Buffer.from(event.with(column, value).join(',')), reason }
  }
  const bytes = Buffer.from(event.join(','))
  bytes[bytes.length - 1] = kind === SPOILT.length ? 0x00 : 0xff
  return { raw: bytes, reason: kind === SPOILT.length ? 'nul_byte' : 'invalid_utf8' }
}

function assembled(
  name: string,
  written: readonly { raw: Buffer; end: string; verdict: Verdict }[],
): MadeFile {
  const parts: Buffer[] = [Buffer.from(`${HEADER}\n`)]
  let byteOffset = parts[0]!.length
  const lines = written.map(({ raw, end, verdict }, index) => {
    const line: ExpectedLine = { lineNo: index + 2, byteOffset, raw, ...verdict }
    parts.push(raw, Buffer.from(end))
    byteOffset += raw.length + end.length
    return line
  })
  const content = Buffer.concat(parts)
  return { name, content, sha256: createHash('sha256').update(content).digest('hex'), lines }
}
