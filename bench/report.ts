import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chart } from './charts.ts'
import { shown, spread, table } from './format.ts'
import { memoryVerdict } from './overall-memory.ts'
import type { Measured, Sample, Verdict } from './question.ts'
import { QUESTIONS } from './questions.ts'
import type { Result, Results } from './results.ts'
import { isReached, median } from './rounds.ts'

/** RESULTS.md and the charts, from whatever answers there are. */
export async function writeReport(folder: string, results: Results): Promise<void> {
  const charts = join(folder, 'charts')
  await mkdir(charts, { recursive: true })
  const answered = QUESTIONS.flatMap(({ name }) => {
    const result = results[name]
    return result ? [{ name, result }] : []
  })
  for (const { name, result } of answered) {
    await writeFile(join(charts, `${name}.svg`), await chart(result))
  }
  const unanswered = QUESTIONS.filter(({ name }) => !results[name])
  const text = [
    '# How fast it is, and against what',
    'Written by `npm run bench`; do not edit. Both sides of each ratio were measured in turn in one run: the same rows, the same table with the same constraints and indexes, the same server. Figures are medians of the rounds, with the least and the most in brackets.',
    ...circumstances(answered.map(({ result }) => result)),
    '## Goals',
    goals(answered, results),
    ...(unanswered.length > 0
      ? [`Not asked yet: ${unanswered.map(({ name }) => `\`${name}\``).join(', ')}.`]
      : []),
    ...answered.flatMap(section),
  ].join('\n\n')
  await writeFile(join(folder, 'RESULTS.md'), `${text}\n`)
}

interface Answered {
  readonly name: string
  readonly result: Result
}

function circumstances(results: readonly Result[]): string[] {
  const each = (what: (result: Result) => string) => [...new Set(results.map(what))].join('; ')
  const settings = each(({ circumstances: { settings } }) =>
    Object.entries(settings)
      .map(([name, value]) => `\`${name}=${value}\``)
      .join(' '),
  )
  return [
    [
      `- Machine: ${each(({ circumstances }) => circumstances.machine)}`,
      `- Node.js ${each(({ circumstances }) => circumstances.node)}, PostgreSQL ${each(({ circumstances }) => circumstances.postgres)}`,
      `- Server: ${settings}; all else by default. A checkpoint before each timed side.`,
    ].join('\n'),
  ]
}

function goals(answered: readonly Answered[], results: Results): string {
  const rows = answered.flatMap(({ name, result }) =>
    result.verdicts.map(verdict => [`[${result.title}](#${name})`, ...verdictCells(verdict)]),
  )
  const memory = memoryVerdict(results)
  if (memory) rows.push(['Resident memory of every run above', ...verdictCells(memory)])
  return table(['question', 'what', 'goal', 'found', ''], rows)
}

function verdictCells(verdict: Verdict): string[] {
  const { what, goal, unit, value, min, max } = verdict
  return [
    what,
    `at ${goal.at} ${shown(goal.value, unit)}`,
    `**${shown(value, unit)}** ${spread(min, max)}`,
    isReached(verdict) ? 'reached' : '**missed**',
  ]
}

function section({ name, result }: Answered): string[] {
  const { circumstances, sizes } = result
  const rounds = Math.max(...result.sides.map(({ samples }) => samples.length))
  return [
    `<a id="${name}"></a>\n\n## ${result.title}`,
    result.notes.join('\n\n'),
    sides(result),
    `![${result.title}](charts/${name}.svg)`,
    ...(result.skipped ?? []).map(line => `Skipped: ${line}.`),
    `<sub>${circumstances.date}, commit ${circumstances.commit}, ${rounds} rounds, \`--rows ${sizes.rows}\`, load average at the start ${circumstances.load}</sub>`,
  ]
}

function sides({ sides, unit }: Result): string {
  const others = [...new Set(sides.flatMap(({ samples }) => Object.keys(samples[0]!.also ?? {})))]
  const cell = (side: Measured, of: (sample: Sample) => number | undefined, itsUnit: string) => {
    const values = side.samples.map(of).filter(value => value !== undefined)
    if (values.length === 0) return ''
    const [min, max] = [Math.min(...values), Math.max(...values)]
    return `${shown(median(values), itsUnit)} ${spread(min, max)}`
  }
  const rows = sides.map(side => [
    side.name,
    cell(side, ({ value }) => value, unit),
    ...others.map(other => cell(side, ({ also }) => also?.[other], '')),
    cell(side, ({ memoryMb }) => memoryMb, 'MB'),
  ])
  return table(['', unit, ...others, 'most memory'], rows)
}
