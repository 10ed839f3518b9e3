import { isUtf8 } from 'node:buffer'
import { stringify } from 'csv-stringify/sync'
import { HEADER } from '../contract/dialect.ts'
import { COLUMNS } from '../contract/event.ts'
import { fieldsOf, type Rejected } from './rejected.ts'

/**
 * `report` is for people and spreadsheets: every cell that would be a formula there begins with an
 * apostrophe. `droppable` is for the input folder: the seven columns, to the character.
 */
export type Form = 'report' | 'droppable' | 'json'

const REPORT = [
  ...COLUMNS,
  'reason',
  'column_name',
  'error_message',
  'file_name',
  'generation',
  'line_no',
  'error_id',
  'raw_line',
]

const FORMULA = /^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/

/** @param told counts what is written */
export async function* exported(
  pages: AsyncIterable<Rejected[]>,
  form: Form,
  told: { lines: number; formulas: number },
): AsyncGenerator<Buffer> {
  if (form === 'report') yield Buffer.from(stringify([REPORT]))
  if (form === 'droppable') yield Buffer.from(`${HEADER}\n`)
  for await (const page of pages) {
    told.lines += page.length
    if (form === 'droppable') {
      told.formulas += page.flatMap(line => fieldsOf(line) ?? []).filter(isFormula).length
      yield Buffer.concat(page.map(droppable))
    } else if (form === 'report') {
      yield Buffer.from(stringify(page.map(reported), { escape_formulas: true }))
    } else {
      yield Buffer.from(page.map(line => `${JSON.stringify(asObject(line))}\n`).join(''))
    }
  }
}

function isFormula(cell: string): boolean {
  return FORMULA.test(cell)
}

// What does not fall into seven fields is written as it stands, for a person to put right.
function droppable(line: Rejected): Buffer {
  const fields = fieldsOf(line)
  return fields ? Buffer.from(stringify([fields])) : Buffer.concat([line.raw, Buffer.from('\n')])
}

function reported(line: Rejected): string[] {
  const { reason, column, message, fileName, generation, lineNo, errorId, raw } = line
  const place = [fileName, String(generation), String(lineNo), String(errorId)]
  const fields = fieldsOf(line) ?? COLUMNS.map(() => '')
  return [...fields, reason, column ?? '', message, ...place, printable(raw)]
}

function asObject(line: Rejected) {
  return Object.fromEntries(reported(line).map((value, index) => [REPORT[index], value]))
}

function printable(raw: Buffer): string {
  const text = isUtf8(raw) ? raw.toString() : raw.toString('latin1')
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, character => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
