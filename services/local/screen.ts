import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { Mood, Sentence } from './sentence.ts'

const PLAIN_EVERY_MS = 5_000
const COLOURS: Record<Mood, 'green' | 'yellow' | 'red' | 'cyan'> = {
  good: 'green',
  busy: 'yellow',
  bad: 'red',
  quiet: 'cyan',
}

export interface Screen {
  /** Text that stays, above the status line. */
  say(text: string): void
  warn(text: string): void
  /** The last line, always the newest; where there is no terminal, a line every 5 s or on a change. */
  status(sentence: Sentence): void
  /** Leaves the status line as it is: what follows goes below. */
  release(): void
}

export function openScreen(out: WriteStream): Screen {
  return out.isTTY ? terminal(out) : plain(out)
}

function terminal(out: WriteStream): Screen {
  let shown: Sentence | undefined
  const draw = () => {
    if (shown) out.write(`\r\x1b[2K${styled(shown, out)}`)
  }
  const say = (text: string) => {
    out.write(shown ? `\r\x1b[2K${text}\n` : `${text}\n`)
    draw()
  }
  return {
    say,
    warn: text => say(`${styleText('yellow', '!', { stream: out })} ${text}`),
    status(sentence) {
      shown = sentence
      draw()
    },
    release() {
      if (shown) out.write('\n')
      shown = undefined
    },
  }
}

/** Cut to the width of the terminal: a line that wraps cannot be drawn over. */
function styled({ mood, head, details }: Sentence, out: WriteStream): string {
  const width = (out.columns || 80) - 1
  const text = `● ${head}${details === '' ? '' : `: ${details}`}`
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text
  const headEnd = Math.min(cut.length, head.length + 2)
  return styleText(COLOURS[mood], cut.slice(0, headEnd), { stream: out }) + cut.slice(headEnd)
}

function plain(out: WriteStream): Screen {
  let lastHead = ''
  let lastAt = Number.NEGATIVE_INFINITY
  return {
    say: text => void out.write(`${text}\n`),
    warn: text => void out.write(`! ${text}\n`),
    status({ head, details }) {
      const now = performance.now()
      if (head === lastHead && now - lastAt < PLAIN_EVERY_MS) return
      lastHead = head
      lastAt = now
      out.write(`${head}${details === '' ? '' : `: ${details}`}\n`)
    },
    release: () => undefined,
  }
}
