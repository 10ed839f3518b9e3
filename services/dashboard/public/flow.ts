import type { Seen } from '../shape.ts'
import { byId, el, setAttribute, setText } from './dom.ts'
import { bytes, count, number, short } from './words.ts'

interface Station {
  element: HTMLElement
  amount: HTMLElement
  under: HTMLElement
  bottleneck: HTMLElement
}

interface Link {
  element: HTMLElement
  rate: HTMLElement
}

const stations = new Map<string, Station>()
const links = new Map<string, Link>()

/** generated → waiting → in work → loaded, with the two ways out beside the last one. */
export function showFlow({ totals, rates, bottleneck }: Seen): void {
  if (stations.size === 0) build()
  const unread = (totals.bytesWaiting + totals.bytesInWork) / rowBytes(totals)
  const generated = totals.rowsRead + unread
  const about = unread > generated / 100 ? '≈ ' : ''
  station('generated', `${about}${number(generated)}`, count(totals.filesFound, 'file'))
  station('waiting', number(totals.filesWaiting), `${bytes(totals.bytesWaiting)} to read`)
  station('work', number(totals.filesInWork), `${count(totals.rowsInFlight, 'row')} in flight`)
  station('loaded', number(totals.rowsLoaded), `${count(totals.filesDone, 'file')} done`)
  const rows = totals.rowsRead
  station('rejected', number(totals.rowsRejected), shareOf(totals.rowsRejected, rows))
  station('duplicate', number(totals.rowsDuplicate), shareOf(totals.rowsDuplicate, rows))
  link('waiting', rates.rowsIn, 'rows/s')
  link('work', rates.bytesRead / rowBytes(totals), 'rows/s')
  link('loaded', rates.rowsLoaded, 'rows/s')
  for (const [name, { element, bottleneck: words }] of stations) {
    const here = bottleneck?.at === name
    element.toggleAttribute('data-bottleneck', here)
    setText(words, here ? `Bottleneck: ${bottleneck.words}` : '')
  }
}

function rowBytes({ bytesRead, rowsRead }: Seen['totals']): number {
  return rowsRead === 0 ? 105 : bytesRead / rowsRead
}

function shareOf(part: number, rows: number): string {
  return rows === 0 ? 'none' : `${((100 * part) / rows).toFixed(part * 1000 < rows ? 2 : 1)} %`
}

function station(name: string, amount: string, under: string): void {
  const { amount: a, under: u } = stations.get(name)!
  setText(a, amount)
  setText(u, under)
}

function link(to: string, rate: number, unit: string): void {
  const { element, rate: text } = links.get(to)!
  setText(text, rate < 0.05 ? '' : `${short(rate)} ${unit}`)
  const pace = rate < 0.05 ? 'still' : rate < 500 ? 'slow' : rate < 10_000 ? 'brisk' : 'fast'
  setAttribute(element, 'data-pace', pace)
}

function build(): void {
  const flow = byId('flow')
  flow.append(
    makeStation('generated', 'Generated', 'rows'),
    makeLink('waiting'),
    makeStation('waiting', 'Waiting', 'files'),
    makeLink('work'),
    makeStation('work', 'In work', 'files'),
    makeLink('loaded'),
    makeStation('loaded', 'Loaded', 'rows'),
  )
  const branches = el('li', 'branches')
  branches.append(
    makeStation('rejected', 'Rejected', 'rows', 'div'),
    makeStation('duplicate', 'Duplicate', 'rows', 'div'),
  )
  flow.append(branches)
}

function makeStation(name: string, label: string, unit: string, tag: 'li' | 'div' = 'li') {
  const amount = el('strong', 'amount')
  const under = el('span', 'under')
  const bottleneck = el('span', 'bottleneck')
  const title = el('span', 'label', label, ' ', el('span', 'unit', unit))
  const element = el(tag, 'station', title, amount, under, bottleneck)
  element.dataset.station = name
  stations.set(name, { element, amount, under, bottleneck })
  return element
}

function makeLink(to: string): HTMLElement {
  const rate = el('span', 'rate')
  const element = el('li', 'link', rate, el('span', 'wire'))
  element.dataset.to = to
  links.set(to, { element, rate })
  return element
}
