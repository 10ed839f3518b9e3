import type { RecentFile, Seen } from '../shape.ts'
import { byId, el, foreign, keyed, setAttribute, setText } from './dom.ts'
import { bytes, count, duration, number, short } from './words.ts'

interface Row {
  element: HTMLTableRowElement
  status: HTMLElement
  cells: Record<'rows' | 'rejects' | 'offsets' | 'ingestor', HTMLElement>
  bar: HTMLElement
  message: HTMLElement
}

const HEAD = ['File', 'Rows', 'Rejects', 'Bytes', 'Ingestor', 'Where the time went']
const WORDS: Record<RecentFile['status'], string> = {
  pending: 'watched',
  active: 'in work',
  done: 'done',
  refused: 'refused',
  missing: 'missing',
  parked: 'parked',
}

/** The parts of a file's time, as they follow each other. */
const STAGES = {
  waited: 'until it was taken',
  loaded: 'until its last row was stored',
  watched: 'until it had stood still',
  archived: 'until it was moved away',
}

const rows = new Map<string, Row>()
const body = el('tbody')

export function showFiles({ files }: Seen, nowMs: number): void {
  if (!body.isConnected) build()
  byId('files').toggleAttribute('data-empty', files.length === 0)
  keyed(
    body,
    rows,
    files,
    ({ fileId }) => String(fileId),
    makeRow,
    (row, file) => update(row, file, nowMs),
  )
}

function build(): void {
  // What scrolls must be reached by the keyboard.
  const scrolling = byId('files')
  scrolling.tabIndex = 0
  scrolling.setAttribute('role', 'region')
  scrolling.setAttribute('aria-label', 'Table of recent files')
  const cells = HEAD.map(text => {
    const cell = el('th', '', text)
    cell.scope = 'col'
    return cell
  })
  const table = el('table', 'files', el('thead', '', el('tr', '', ...cells)), body)
  byId('files').append(table, el('p', 'nothing', 'No file yet. The commands below make some.'))
  byId('stages').append(...Object.entries(STAGES).map(legendOf))
}

function legendOf([name, words]: [string, string]): HTMLElement {
  const key = el('i', 'key')
  key.dataset.part = name
  return el('li', '', key, el('b', '', name), ` ${words}`)
}

function makeRow({ name, generation, ingestor }: RecentFile): Row {
  const nameCell = foreign(name)
  nameCell.className = 'name'
  nameCell.title = name
  const status = el('span', 'status')
  const message = el('span', 'message')
  const ordinal = generation === 1 ? '' : ` generation ${generation}`
  const cells = {
    rows: el('td', 'figure'),
    rejects: el('td', 'figure'),
    offsets: el('td', 'offsets'),
    ingestor: el('td', 'ingestor', ingestor ?? ''),
  }
  cells.rows.dataset.head = 'Rows'
  cells.rejects.dataset.head = 'Rejects'
  const bar = el('span', 'bar')
  bar.setAttribute('role', 'img')
  const first = el('th', 'file', nameCell, el('span', 'sub', status, ordinal, ' ', message))
  first.scope = 'row'
  const element = el('tr', '', first, ...Object.values(cells), el('td', 'times', bar))
  keepRoles(element)
  return { element, status, cells, bar, message }
}

// Where a row is laid out as a block (on a phone) browsers forget that it is one.
function keepRoles(row: HTMLTableRowElement): void {
  row.setAttribute('role', 'row')
  for (const cell of row.cells)
    cell.setAttribute('role', cell.tagName === 'TH' ? 'rowheader' : 'cell')
}

function update({ element, status, cells, bar, message }: Row, file: RecentFile, nowMs: number) {
  setAttribute(element, 'data-status', file.status)
  setText(status, WORDS[file.status])
  setText(message, file.message ?? '')
  const duplicates = file.rowsDuplicate === 0 ? '' : ` + ${count(file.rowsDuplicate, 'duplicate')}`
  setText(cells.rows, `${number(file.rowsLoaded)}${duplicates}`)
  setText(cells.rejects, number(file.rowsRejected))
  cells.rejects.toggleAttribute('data-some', file.rowsRejected > 0)
  const all = file.byteOffset === file.sizeBytes ? '' : ` of ${bytes(file.sizeBytes)}`
  setText(cells.offsets, `0–${number(file.byteOffset)}${all}`)
  setText(cells.ingestor, (file.ingestor ?? '–').replace(/^ingestor /, ''))
  showBar(bar, stages(file, nowMs))
}

interface Part {
  name: string
  ms: number
}

/** From the moment it was found: until it was taken, until its last row was stored, until it had stood still, until it was moved away. */
function stages(file: RecentFile, nowMs: number): Part[] {
  const { discoveredAtMs, startedAtMs, loadedAtMs, finishedAtMs, archivedAtMs } = file
  const moments = [
    { name: 'waited', until: startedAtMs },
    { name: 'loaded', until: loadedAtMs ?? (file.status === 'active' ? nowMs : null) },
    { name: 'watched', until: finishedAtMs ?? (file.status === 'pending' ? nowMs : null) },
    { name: 'archived', until: archivedAtMs },
  ]
  let from = discoveredAtMs
  return moments.flatMap(({ name, until }) => {
    if (until === null) return []
    const ms = Math.max(0, until - from)
    from = Math.max(from, until)
    return [{ name, ms }]
  })
}

function showBar(bar: HTMLElement, parts: Part[]): void {
  const words = parts.map(({ name, ms }) => `${name} ${duration(ms)}`).join(', ')
  if (bar.title === words) return
  bar.title = words
  bar.setAttribute('aria-label', words)
  const pieces = parts.map(({ name, ms }) => {
    const piece = el('i')
    piece.dataset.part = name
    // A part of a hundredth is still to be seen.
    piece.style.flexGrow = String(Math.sqrt(ms) + 0.5)
    return piece
  })
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  bar.replaceChildren(el('span', 'pieces', ...pieces), el('span', 'total', duration(total)))
}

/** Who is at work. */
export function showIngestors({ ingestors }: Seen): void {
  const list = byId('ingestors')
  const shown = ingestors.filter(({ state }) => state !== 'stopped').slice(0, 8)
  const wanted = shown.map(({ owner, state, filesInWork, rowsPerSecond, watchFault }) => {
    const pace = state === 'silent' ? 'silent' : `${short(rowsPerSecond)} rows/s`
    return { owner: owner.replace(/^ingestor /, ''), state, pace, filesInWork, watchFault }
  })
  const key = JSON.stringify(wanted)
  if (list.dataset.shown === key) return
  list.dataset.shown = key
  list.replaceChildren(
    ...wanted.map(({ owner, state, pace, filesInWork, watchFault }) => {
      const files = filesInWork === 0 ? '' : `, ${count(filesInWork, 'file')} in work`
      const item = el('li', '', el('b', '', owner), ` ${pace}${files}`)
      item.dataset.state = state
      if (watchFault !== null && state === 'working') {
        item.dataset.deaf = ''
        item.append(el('span', 'deaf', `${watchFault}; it lists the folder instead`))
      }
      return item
    }),
  )
}
