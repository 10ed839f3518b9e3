import type { RejectGroup, Seen, Setup } from '../shape.ts'
import { exportCommand } from './commands.ts'
import { command } from './copy.ts'
import { byId, el, foreign, keyed, setText } from './dom.ts'
import { number, percent } from './words.ts'

interface Group {
  element: HTMLElement
  rows: HTMLElement
  share: HTMLElement
  bar: HTMLElement
  samples: HTMLElement
  shown: string
}

const groups = new Map<string, Group>()
const list = el('div', 'groups')
const more = el('button', 'quiet')
const note = el('p', 'aside')

/** So many groups are shown until somebody asks for all. */
const FIRST = 8
let all = false

export function showRejects({ rejects, totals }: Seen, setup: Setup): void {
  if (!list.isConnected) build()
  const { counted } = rejects
  const hidden = all ? 0 : Math.max(0, rejects.groups.length - FIRST)
  const shown = rejects.groups.slice(0, all ? undefined : FIRST)
  const most = Math.max(...rejects.groups.map(({ rows }) => rows), 1)
  keyed(list, groups, shown, keyOf(setup), makeGroup(setup), (group, item) => {
    setText(group.rows, number(item.rows))
    setText(group.share, percent(item.rows / counted))
    group.bar.style.inlineSize = `${(100 * item.rows) / most}%`
    const key = JSON.stringify(item.samples)
    if (group.shown === key) return
    group.shown = key
    group.samples.replaceChildren(...item.samples.map(sampleOf))
  })
  more.hidden = hidden === 0
  setText(more, `Show ${hidden} more`)
  setText(note, noteOf(totals.rowsRejected, rejects))
}

function noteOf(rejected: number, { counted, all }: Seen['rejects']): string {
  if (rejected === 0) return 'None: every line was what it should be.'
  if (!all) return `Of ${number(rejected)} rejects the newest ${number(counted)} are grouped here.`
  const mended = rejected - counted
  return mended <= 0 ? '' : `${number(mended)} of ${number(rejected)} were mended since.`
}

function build(): void {
  more.type = 'button'
  more.addEventListener('click', () => {
    all = true
    dispatchEvent(new Event('repaint'))
  })
  byId('rejects').append(list, more, note)
}

const keyOf =
  ({ by }: Setup) =>
  ({ reason, column }: RejectGroup) =>
    `${by} ${reason} ${column}`

const makeGroup =
  (setup: Setup) =>
  ({ reason, column }: RejectGroup): Group => {
    const rows = el('b', 'figure')
    const share = el('span', 'share')
    const bar = el('i', 'fill')
    const summary = el(
      'summary',
      '',
      el('span', 'reason', reason.replaceAll('_', ' ')),
      el('code', 'column', column ?? 'whole line'),
      el('span', 'gauge', bar),
      rows,
      share,
    )
    const samples = el('ul', 'samples')
    const element = el(
      'details',
      'group',
      summary,
      samples,
      el('p', 'label', 'Export these'),
      command(exportCommand(setup, reason, column)),
    )
    element.dataset.reason = reason
    return { element, rows, share, bar, samples, shown: '' }
  }

function sampleOf({ file, lineNo, message, line }: RejectGroup['samples'][number]): HTMLElement {
  return el(
    'li',
    '',
    el('p', 'message', message),
    el('code', 'line', foreign(line)),
    el('p', 'place', foreign(file), `, line ${number(lineNo)}`),
  )
}
