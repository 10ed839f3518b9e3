import {
  appendFileSync,
  lstatSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Chance } from './chance.ts'
import type { Folders } from './folders.ts'
import { anEvent } from './made-file.ts'

const HEADER = 'event_id,event_time,event_type,product_id,price,user_id,session_id\n'
const NAMES = ['a.csv', 'b.csv', 'c.csv', 'd.csv']
/** Of a line that is not written to its end: less than an id, so that nothing takes it for a row. */
const HALF_BYTES = 20

/** A line as it was written, and what must become of it. */
export interface Line {
  readonly event: readonly string[]
  readonly text: string
  readonly reason: string | null
}

interface File {
  lines: Line[]
  /** The one at its end, of which only the first bytes are there. */
  half: Line | null
}

/**
 * Files that are written, cut, renamed and replaced at random, as people and programs do it, and all
 * that a model needs to know of them: which lines there are, and which there ever were.
 */
export class ModelFolder {
  readonly ever: Line[] = []
  readonly #files = new Map<string, File>()
  readonly #folders: Folders
  readonly #chance: Chance

  constructor(folders: Folders, chance: Chance) {
    this.#folders = folders
    this.#chance = chance
  }

  /** Does one thing to one file. @returns what, in words */
  step(): string {
    const chance = this.#chance
    const here = [...this.#files.keys()]
    const name = chance.pick(here.length > 0 && chance.whole(0, 4) > 0 ? here : NAMES)
    const file = this.#files.get(name)
    if (!file) return this.#replace(name)
    const does = chance.pick([
      () => this.#append(name, file),
      () => this.#append(name, file),
      () => this.#appendHalf(name, file),
      () => this.#truncate(name, file),
      () => this.#rewrite(name),
      () => this.#replace(name),
      () => this.#rename(name, chance.pick(NAMES)),
      () => this.#unlink(name),
    ])
    return does()
  }

  /** Writes every line to its end, so that it is known what each file holds. */
  complete(): void {
    for (const [name, file] of this.#files) if (file.half) this.#append(name, file)
  }

  /** What is in the folder, and how it looks there. */
  files() {
    return [...this.#files].map(([name, { lines }]) => {
      const { size, mtimeNs, ino } = lstatSync(this.#path(name), { bigint: true })
      return { name, lines, size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) }
    })
  }

  /** Another file takes the name, whole, in one moment. */
  #replace(name: string): string {
    const lines = this.#newLines()
    const draft = join(this.#folders.temp, name)
    writeFileSync(draft, HEADER + lines.map(({ text }) => `${text}\n`).join(''))
    renameSync(draft, this.#path(name))
    this.#files.set(name, { lines, half: null })
    return `${name}: a new file of ${lines.length} lines`
  }

  /** The same inode, emptied and written anew. */
  #rewrite(name: string): string {
    const lines = this.#newLines()
    writeFileSync(this.#path(name), HEADER + lines.map(({ text }) => `${text}\n`).join(''))
    this.#files.set(name, { lines, half: null })
    return `${name}: written anew in place, ${lines.length} lines`
  }

  #append(name: string, file: File): string {
    const rest = file.half ? `${file.half.text.slice(HALF_BYTES)}\n` : ''
    if (file.half) file.lines.push(file.half)
    file.half = null
    const lines = this.#newLines(5)
    appendFileSync(this.#path(name), rest + lines.map(({ text }) => `${text}\n`).join(''))
    file.lines.push(...lines)
    return `${name}: ${rest === '' ? '' : 'the rest of a line and '}${lines.length} lines more`
  }

  #appendHalf(name: string, file: File): string {
    if (file.half) return this.#append(name, file)
    file.half = this.#newLine()
    appendFileSync(this.#path(name), file.half.text.slice(0, HALF_BYTES))
    return `${name}: half a line more`
  }

  /** After a line, or in the middle of one. */
  #truncate(name: string, file: File): string {
    const keep = this.#chance.whole(0, file.lines.length)
    const cut = file.lines[keep]
    const inside = cut !== undefined && this.#chance.whole(0, 1) === 1
    const kept =
      HEADER +
      file.lines
        .slice(0, keep)
        .map(({ text }) => `${text}\n`)
        .join('')
    truncateSync(this.#path(name), Buffer.byteLength(kept) + (inside ? HALF_BYTES : 0))
    file.lines = file.lines.slice(0, keep)
    file.half = inside ? cut : null
    return `${name}: truncated after ${keep} lines${inside ? ', inside one' : ''}`
  }

  #rename(name: string, to: string): string {
    if (to === name) return this.#unlink(name)
    renameSync(this.#path(name), this.#path(to))
    this.#files.set(to, this.#files.get(name)!)
    this.#files.delete(name)
    return `${name}: renamed to ${to}`
  }

  #unlink(name: string): string {
    unlinkSync(this.#path(name))
    this.#files.delete(name)
    return `${name}: deleted`
  }

  #newLines(most = 400): Line[] {
    return Array.from({ length: this.#chance.whole(0, most) }, () => this.#newLine())
  }

  #newLine(): Line {
    const event = anEvent(this.#chance)
    const isBad = this.#chance.whole(1, 20) === 1
    const text = (isBad ? event.with(3, '0x10') : event).join(',')
    const line = { event, text, reason: isBad ? 'not_a_number' : null }
    this.ever.push(line)
    return line
  }

  #path(name: string): string {
    return join(this.#folders.input, name)
  }

  /** What the model believes is what the disk says, else the model is wrong. */
  check(): void {
    for (const [name, { lines, half }] of this.#files) {
      const expected =
        HEADER +
        lines.map(({ text }) => `${text}\n`).join('') +
        (half ? half.text.slice(0, HALF_BYTES) : '')
      if (readFileSync(this.#path(name), 'utf8') !== expected)
        throw new Error(`the model does not know what is in ${name}`)
    }
  }
}
