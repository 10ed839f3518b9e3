import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { shown } from '../../contract/shown.ts'
import { EXIT } from '../../runtime/command.ts'
import { inTransaction } from '../../runtime/database.ts'
import { exported } from '../export.ts'
import { reconsider, resolveMended } from '../reconsider.ts'
import { type Rejected, rejectedPages, type Which } from '../rejected.ts'
import { columns, count } from './paint.ts'
import { progress } from './progress.ts'
import { type Register, wholeNumber } from './register.ts'
import { type CommonOptions, withSession } from './session.ts'

type Options = CommonOptions & Which

export const addErrors: Register = (program, ends) => {
  const errors = program.command('errors').description('the rejected lines: list, export, retry')
  const about = (name: string, description: string) =>
    errors
      .command(name)
      .description(description)
      .option('--file <name>', 'of one file only')
      .option('--reason <reason>', 'of one reason only')
  about('list', 'show rejected lines, the oldest first')
    .option('--all', 'those that are resolved, too')
    .option('--limit <n>', 'at most so many', wholeNumber, 50)
    .action(ends(list))
  about('export', 'write rejected lines as CSV, to be looked at or mended')
    .option('--all', 'those that are resolved, too')
    .option('--output <file>', 'instead of standard output')
    .option('--droppable', 'the seven columns alone: mend the file and drop it into input/')
    .action(ends(exportLines))
  about('retry', 'load what passes today, and mark what was mended since').action(ends(retry))
}

async function list(options: Options & { limit: number }): Promise<number> {
  const lines: Rejected[] = []
  await withSession('errors', options, async ({ pool }) => {
    for await (const page of rejectedPages(pool, options)) {
      lines.push(...page.slice(0, options.limit - lines.length))
      if (lines.length >= options.limit) return
    }
  })
  if (options.json) console.log(JSON.stringify(lines.map(asJson)))
  else if (lines.length === 0) console.log('no rejected lines')
  else console.log(inText(lines))
  return EXIT.ok
}

function inText(lines: readonly Rejected[]): string {
  return lines
    .map(({ fileName, lineNo, reason, message, raw, resolvedAt }) => {
      const state = resolvedAt === null ? '' : ` (resolved ${resolvedAt.toISOString()})`
      return `${fileName}:${lineNo}: ${reason}: ${message}${state}\n    ${shown(raw.toString(), 200)}`
    })
    .join('\n')
}

function asJson({ raw, columns: _, ...rest }: Rejected) {
  return { ...rest, rawBase64: raw.toString('base64'), raw: raw.toString() }
}

async function exportLines(
  options: Options & { output?: string; droppable?: boolean },
): Promise<number> {
  return withSession('errors', options, async ({ pool }) => {
    const sink = options.output === undefined ? process.stdout : createWriteStream(options.output)
    const told = { lines: 0, formulas: 0 }
    const form = options.json ? 'json' : options.droppable ? 'droppable' : 'report'
    const source = Readable.from(exported(rejectedPages(pool, options), form, told))
    await pipeline(source, sink, { end: options.output !== undefined })
    if (options.output !== undefined)
      console.error(`${count(told.lines, 'line')} written to ${options.output}`)
    if (told.formulas > 0)
      console.error(
        `note: ${count(told.formulas, 'cell')} of what was written would be a formula in a spreadsheet; use a text editor, or export without --droppable`,
      )
    return EXIT.ok
  })
}

async function retry(options: Options): Promise<number> {
  return withSession('errors', options, async ({ pool }) => {
    const { rows } = await pool.query(
      'select count(*) as open from user_activity_errors where resolved_at is null',
    )
    const bar = progress(rows[0].open, 'lines')
    const mended = await resolveMended(pool)
    const { looked, loaded, duplicate } = await inTransaction(pool, tx =>
      reconsider(tx, { ...options, all: false }, lines => bar.advance(lines)),
    )
    bar.end()
    const left = looked - loaded - duplicate
    if (options.json) console.log(JSON.stringify({ looked, loaded, duplicate, mended, left }))
    else
      console.log(
        columns(
          ['looked at', 'loaded', 'duplicate', 'mended by another file', 'still rejected'],
          [[looked, loaded, duplicate, mended, left]],
        ),
      )
    return EXIT.ok
  })
}
