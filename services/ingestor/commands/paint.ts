import { styleText } from 'node:util'
import Table from 'cli-table3'

type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold'

/** Colour where standard output is a terminal that wants it: `NO_COLOR` and pipes stay plain. */
export function paint(colour: Colour, text: string): string {
  return styleText(colour, text, { stream: process.stdout })
}

/** Columns for a person, without colours or lines between rows. */
export function columns(head: readonly string[], rows: readonly (string | number)[][]): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colAligns: head.map((_, column) =>
      rows.every(row => isAmount(row[column]!)) ? 'right' : 'left',
    ),
  })
  table.push(...rows)
  return table.toString()
}

function isAmount(cell: string | number): boolean {
  return typeof cell === 'number' || /^[\d,]+$/.test(cell)
}

export function grouped(amount: number): string {
  return amount.toLocaleString('en-US')
}

/** "1 row", "2 rows". */
export function count(amount: number, noun: string): string {
  return `${grouped(amount)} ${noun}${amount === 1 ? '' : 's'}`
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return `${grouped(Math.round(seconds / 3_600))} h`
}
