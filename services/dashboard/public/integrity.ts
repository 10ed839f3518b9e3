import type { Audit, Status } from '../shape.ts'
import { byId, el, foreign, setAttribute, setText } from './dom.ts'
import { age, duration, number } from './words.ts'

const TERMS = ['read', 'loaded', 'duplicate', 'rejected', 'in flight'] as const
const SIGNS = ['', '=', '+', '+', '+']

const amounts = new Map<string, HTMLElement>()
const verdict = el('p', 'balance')
const audit = el('p', 'aside')
const differences = el('ul', 'differences')

/** rows read = loaded + duplicate + rejected + in flight, from one moment of the database. */
export function showIntegrity({ seen, nowMs }: Status): void {
  if (!seen) return
  if (amounts.size === 0) build()
  const { totals } = seen
  const { rowsRead, rowsLoaded, rowsDuplicate, rowsRejected, rowsInFlight } = totals
  const values = [rowsRead + rowsInFlight, rowsLoaded, rowsDuplicate, rowsRejected, rowsInFlight]
  TERMS.forEach((term, index) => void setText(amounts.get(term)!, number(values[index]!)))
  const missing = rowsRead - rowsLoaded - rowsDuplicate - rowsRejected
  const adds = missing === 0 && seen.audit.state !== 'differs'
  setAttribute(byId('integrity'), 'data-adds', String(adds))
  setText(
    verdict,
    adds
      ? 'It adds up.'
      : missing === 0
        ? 'The tables do not hold what the checkpoint says.'
        : `${number(Math.abs(missing))} rows are not accounted for.`,
  )
  setText(audit, auditWords(seen.audit, nowMs))
  showDifferences(seen.audit)
}

function auditWords({ state, atMs, tookMs }: Audit, nowMs: number): string {
  if (state === 'never') return 'The rows in the tables are being counted against this.'
  if (state === 'too large') {
    return 'The table is too large to be counted while you wait: select * from ingest_discrepancies.'
  }
  if (state === 'failed') return 'The rows in the tables could not be counted just now.'
  const found = state === 'agrees' ? 'and every row was there' : 'and found a difference'
  return `All rows of the tables were counted against it ${age(nowMs - atMs!)} ago, ${found} (took ${duration(tookMs!)}).`
}

function showDifferences({ differences: found }: Audit): void {
  const key = JSON.stringify(found)
  if (differences.dataset.shown === key) return
  differences.dataset.shown = key
  differences.replaceChildren(
    ...found.map(({ file, what, expected, found }) =>
      el(
        'li',
        '',
        foreign(file ?? 'rows of no known file'),
        `: ${what.replace('_', ' ')}: expected ${number(expected)}, found ${number(found)}`,
      ),
    ),
  )
}

function build(): void {
  const equation = el('p', 'equation')
  TERMS.forEach((term, index) => {
    const amount = el('b')
    amounts.set(term, amount)
    const part = el(
      'span',
      'term',
      amount,
      el('span', 'label', term === 'read' ? 'rows read' : term),
    )
    part.dataset.term = term
    // A sign stays with what it is the sign of, also where the line breaks.
    const sign = SIGNS[index] ? [el('span', 'sign', SIGNS[index])] : []
    equation.append(el('span', 'signed', ...sign, part))
  })
  byId('integrity').append(equation, verdict, audit, differences)
}
