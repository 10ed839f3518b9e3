import Table from 'cli-table3'
import type { QueryArrayResult } from 'pg'

const MOST_ROWS = 1_000

export type Answer = QueryArrayResult<(string | null)[]>

/** A table, or, where a terminal is too narrow for it, one line a value, as psql's `\x auto` does. */
export function answerInText(answer: Answer, terminalWidth: number | undefined): string {
  const { fields, command, rowCount } = answer
  if (fields.length === 0) return `${command} ${rowCount ?? ''}`.trim()
  const names = fields.map(({ name }) => name)
  const rows = answer.rows.slice(0, MOST_ROWS).map(row => row.map(value => value ?? ''))
  const table = asTable(names, rows)
  const width = table.indexOf('\n')
  const tooWide = terminalWidth !== undefined && width > terminalWidth
  return `${tooWide ? asRecords(names, rows) : table}\n${countOf(answer.rows.length)}`
}

function asTable(names: string[], rows: string[][]): string {
  const table = new Table({ head: names, style: { head: [], border: [] } })
  table.push(...rows)
  return table.toString()
}

function asRecords(names: string[], rows: string[][]): string {
  const width = Math.max(...names.map(name => name.length))
  const record = (row: string[], index: number) => [
    `── ${index + 1}`,
    ...row.map((value, column) => `${names[column]!.padEnd(width)}  ${value}`),
  ]
  return rows.flatMap(record).join('\n')
}

function countOf(rows: number): string {
  const shown = rows > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : ''
  return `${rows.toLocaleString('en-US')} row${rows === 1 ? '' : 's'}${shown}`
}
