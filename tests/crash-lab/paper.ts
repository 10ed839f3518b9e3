import { setTimeout as sleep } from 'node:timers/promises'
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

type Tone = 'plain' | 'good' | 'bad' | 'quiet' | 'warn' | 'strong' | 'code'

const WIDTH = 96
const LABEL = 13
const COLOURS = {
  good: 'green',
  bad: 'red',
  quiet: 'gray',
  warn: 'yellow',
  strong: 'bold',
  code: 'cyan',
} as const

/** What a learner reads: headings, sentences, and facts with a label each. Colour on a terminal alone. */
export class Paper {
  readonly #out: WriteStream
  #waiting: NodeJS.Timeout | undefined

  constructor(out: WriteStream) {
    this.#out = out
  }

  get isTerminal(): boolean {
    return this.#out.isTTY
  }

  heading(text: string, aside = ''): void {
    const width = this.#width
    const rule = '─'.repeat(Math.max(3, width - text.length - aside.length - 5))
    this.#line('')
    this.#line(`${this.tone('strong', `━ ${text}`)} ${this.tone('quiet', `${rule} ${aside}`)}`)
    this.#line('')
  }

  /** Prose, broken at the width of the paper. */
  say(text: string, tone: Tone = 'plain'): void {
    for (const line of wrapped(text, this.#width - 2)) this.#line(`  ${this.tone(tone, line)}`)
  }

  fact(label: string, text: string, tone: Tone = 'plain'): void {
    const lines = wrapped(text, this.#width - LABEL - 2)
    lines.forEach((line, index) => {
      const head = (index === 0 ? label : '').padEnd(LABEL)
      this.#line(`  ${this.tone('quiet', head)}${this.tone(tone, line)}`)
    })
  }

  code(text: string): void {
    this.#line(`  ${this.tone('code', text)}`)
  }

  gap(): void {
    this.#line('')
  }

  /** On a terminal, a line that goes away when the waiting is over. */
  async whileWaiting<T>(text: string, work: Promise<T>): Promise<T> {
    if (!this.isTerminal) return work
    const startedMs = performance.now()
    const draw = () => {
      const waited = ((performance.now() - startedMs) / 1_000).toFixed(1)
      this.#out.write(`\r\x1b[2K  ${this.tone('quiet', `… ${text}, ${waited} s`)}`)
    }
    this.#waiting = setInterval(draw, 100)
    try {
      return await work
    } finally {
      this.stopWaiting()
    }
  }

  stopWaiting(): void {
    if (!this.#waiting) return
    clearInterval(this.#waiting)
    this.#waiting = undefined
    this.#out.write('\r\x1b[2K')
  }

  /** Time to read. */
  async rest(ms: number, stop: AbortSignal): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: stop })
  }

  tone(tone: Tone, text: string): string {
    return tone === 'plain' ? text : styleText(COLOURS[tone], text, { stream: this.#out })
  }

  /** ▕█████░░░░▏, so wide for all of a file. */
  bar(done: number, all: number): string {
    const cells = 24
    const full = all === 0 ? 0 : Math.round((done / all) * cells)
    return `▕${'█'.repeat(full)}${'░'.repeat(cells - full)}▏`
  }

  get #width(): number {
    return Math.min(WIDTH, (this.#out.columns || WIDTH) - 1)
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`)
  }
}

export function number(value: number): string {
  return value.toLocaleString('en')
}

export function counted(count: number, one: string): string {
  return `${number(count)} ${one}${count === 1 ? '' : 's'}`
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
