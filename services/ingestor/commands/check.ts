import { statSync } from 'node:fs'
import { shown } from '../../contract/shown.ts'
import { EXIT } from '../../runtime/command.ts'
import { createLogger } from '../../runtime/logger.ts'
import { requireSchema } from '../../runtime/migrations.ts'
import type { Config } from '../config.ts'
import { errorCode, triage } from '../errors.ts'
import { type Rehearsal, rehearsed } from '../rehearse.ts'
import { type Finding, type Verdict, verdictOn } from '../verdicts.ts'
import { count, paint } from './paint.ts'
import { progress } from './progress.ts'
import type { Register } from './register.ts'
import { type CommonOptions, openPool, settingsOf } from './session.ts'

interface CheckOptions extends CommonOptions {
  /** `--no-database` */
  database: boolean
}

export const addCheck: Register = (program, ends) => {
  program
    .command('check')
    .description('what would become of files, without loading anything; 3 where a row is rejected')
    .argument('<file...>', 'CSV files, wherever they are')
    .option('--no-database', 'do not ask the database for duplicates and constraints')
    .action(ends(check))
}

async function check(files: string[], options: CheckOptions): Promise<number> {
  const { config, env } = settingsOf(options)
  if (!options.database) return report(files, config, null, options)
  const logger = createLogger('ingest', 'silent')
  const pool = openPool('check', env, logger)
  try {
    const unfit = await requireSchema(pool).then(
      () => null,
      error => error,
    )
    if (unfit) {
      console.error(
        `note: duplicates and constraints are not checked: the database cannot be asked (${errorCode(unfit) || unfit.message})`,
      )
      return report(files, config, null, options)
    }
    return await rehearsed(pool, rehearsal => report(files, config, rehearsal, options))
  } catch (error) {
    if (triage(error) !== 'transient') throw error
    console.error(
      `error: somebody is loading the same events now (${errorCode(error)}); try again, or with --no-database`,
    )
    return EXIT.unavailable
  } finally {
    await pool.end()
  }
}

async function report(
  files: readonly string[],
  config: Config,
  rehearsal: Rehearsal | null,
  { json }: CheckOptions,
): Promise<number> {
  const bar = progress(
    files.reduce((sum, file) => sum + sizeOf(file), 0),
    'bytes',
  )
  const verdicts: Verdict[] = []
  for (const file of files) {
    const onFinding = (finding: Finding) =>
      console.log(json ? JSON.stringify({ file, ...finding }) : inText(file, finding))
    verdicts.push(await verdictOn(file, config, rehearsal, onFinding, bytes => bar.advance(bytes)))
  }
  bar.end()
  const sum = sumOf(verdicts)
  if (json) console.log(JSON.stringify({ summary: { files: files.length, ...sum } }))
  else console.log(summary(files.length, sum, rehearsal !== null))
  if (verdicts.some(({ fault }) => fault === 'unreadable')) return EXIT.failure
  return sum.rejected > 0 || sum.refused > 0 ? EXIT.rejects : EXIT.ok
}

function inText(file: string, { line, column, reason, message }: Finding): string {
  const name = /^[\p{L}\p{N}\p{P}\p{S} ]+$/u.test(file) ? file : shown(file, 400)
  return `${paint('bold', `${name}:${line}:${column}:`)} ${paint('red', `${reason}:`)} ${message}`
}

function sumOf(verdicts: readonly Verdict[]) {
  const sum = (of: (verdict: Verdict) => number) =>
    verdicts.reduce((total, verdict) => total + of(verdict), 0)
  return {
    refused: verdicts.filter(({ fault }) => fault !== null).length,
    rows: sum(({ rows }) => rows),
    good: sum(({ good }) => good),
    duplicates: sum(({ duplicates }) => duplicates),
    rejected: sum(({ rejected }) => rejected),
  }
}

function summary(files: number, sum: ReturnType<typeof sumOf>, asked: boolean): string {
  const clean = sum.rejected === 0 && sum.refused === 0
  const parts = [
    count(files, 'file'),
    count(sum.rows, 'row'),
    `${sum.good} good`,
    ...(asked ? [count(sum.duplicates, 'duplicate')] : []),
    `${sum.rejected} rejected`,
    ...(sum.refused > 0 ? [`${count(sum.refused, 'file')} not to be ingested`] : []),
  ]
  return paint(clean ? 'green' : 'yellow', parts.join(', '))
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
