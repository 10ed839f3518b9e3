import { createHash } from 'node:crypto'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import type { Folders } from './folders.ts'
import type { ExpectedLine, MadeFile } from './made-file.ts'

const FIELDS = [
  'event_id',
  'event_time',
  'event_type',
  'product_id',
  'price',
  'user_id',
  'session_id',
] as const

/** A line of the generator's manifest: see `services/generator/manifest.ts`. */
type Answer = { file: string; line: number; offset: number } & (
  | { verdict: 'good' | 'duplicate'; event: Record<string, string> }
  | { verdict: 'reject'; reason: string; raw: string }
)

/**
 * What a generator says that it wrote, held against the bytes that came to rest in the archive.
 * @returns the files with their answers, and each difference in words
 */
export async function filesOf(
  manifest: string,
  folders: Folders,
): Promise<{ files: MadeFile[]; breaches: string[] }> {
  const files: MadeFile[] = []
  const breaches: string[] = []
  for (const [name, answers] of await answersIn(manifest)) {
    // Killed before it had published this one: its draft lies where it was written.
    if (await exists(join(folders.temp, `${name}.part`))) continue
    const content = await readFile(join(folders.archive, name)).catch(() => null)
    if (!content) {
      breaches.push(`disk: ${name} is not in the archive, though ${manifest} has it`)
      continue
    }
    const wrong = answers.flatMap((answer, index) =>
      isSaid(content, answer, answers[index + 1]?.offset ?? content.length)
        ? []
        : [`disk: ${name} line ${answer.line}: other bytes in the archive than were written`],
    )
    breaches.push(...wrong.slice(0, 5))
    const sha256 = createHash('sha256').update(content).digest('hex')
    files.push({ name, content, sha256, lines: answers.map(answer => expected(answer, content)) })
  }
  return { files, breaches }
}

async function answersIn(manifest: string): Promise<Map<string, Answer[]>> {
  // A generator that was ended before it began has made none.
  const text = await readFile(manifest, 'utf8').catch(() => '')
  const byFile = new Map<string, Answer[]>()
  // After the last line feed is what a killed one was about to write, of a file not yet published.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue
    const answer: Answer = JSON.parse(line)
    const answers = byFile.get(answer.file)
    if (answers) answers.push(answer)
    else byFile.set(answer.file, [answer])
  }
  return byFile
}

function isSaid(content: Buffer, answer: Answer, end: number): boolean {
  const line = content.subarray(answer.offset, end)
  if (line.length === 0 || line.indexOf(10) !== line.length - 1) return false
  if (answer.verdict === 'reject') {
    const raw = Buffer.from(answer.raw, 'base64')
    return raw.equals(line.subarray(0, Math.min(line.length - 1, raw.length)))
  }
  const fields = fieldsOf(line)
  return FIELDS.every((field, index) => fields[index] === answer.event[field])
}

function expected(answer: Answer, content: Buffer): ExpectedLine {
  const place = { lineNo: answer.line, byteOffset: answer.offset }
  if (answer.verdict === 'reject') {
    const raw = Buffer.from(answer.raw, 'base64')
    return { ...place, raw, verdict: 'reject', reason: answer.reason }
  }
  const end = content.indexOf(10, answer.offset)
  const raw = content.subarray(answer.offset, content[end - 1] === 13 ? end - 1 : end)
  return { ...place, raw, verdict: 'event', event: FIELDS.map(field => answer.event[field]!) }
}

/** The fields of one line, by another reader than the ingestor's usual one. */
export function fieldsOf(line: Buffer): string[] {
  const text = line.toString('utf8').replace(/\r?\n$/, '')
  if (!text.includes('"')) return text.split(',')
  return parse(text, { relax_column_count: true })[0] ?? []
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
