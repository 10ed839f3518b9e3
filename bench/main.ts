import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { EXIT, exitWith } from '../services/runtime/command.ts'
import { ConfigurationError } from '../services/runtime/env.ts'
import { QUESTIONS } from './questions.ts'
import { writeReport } from './report.ts'
import { readResults } from './results.ts'
import { askAll } from './run.ts'
import { ROOT } from './services.ts'
import { sizesOf } from './sizes.ts'

/** Where bench/peers/README.md puts those that are not installed for the whole machine. */
const PEERS_DIR = '/var/tmp/hot-folder-peers'

await exitWith(async () => {
  const program = new Command('bench')
    .description('Measure the pipeline against its goals and its peers, and write bench/RESULTS.md')
    .argument('[question...]', 'which ones; all by default', [])
    .option('--rounds <n>', 'how often each side is measured (default: 5)', count)
    .option('--rows <n>', 'rows of the large file (default: 1000000)', count)
    .option('--quick', 'small sizes and 2 rounds: shows that the bench works, and nothing else')
    .option('--large', 'memory: a file of 5 GB instead of 0.5 GB')
    .option('--peers <folder>', 'virtual environment and programs of the peers', PEERS_DIR)
    .option('--out <folder>', 'for the results (default: bench; with --quick: tmp/bench)')
    .option('--list', 'name the questions and end')
    .option('--render', 'write RESULTS.md and the charts again from results.json, and end')
    .exitOverride()
    .parse()
  const { quick = false, large = false, rounds, rows, peers, out, list, render } = program.opts()
  const outDir = resolve(out ?? (quick ? `${ROOT}tmp/bench` : `${ROOT}bench`))
  if (list) {
    for (const { name, title } of QUESTIONS) console.log(`${name.padEnd(20)} ${title}`)
    return EXIT.ok
  }
  const questions = chosen(program.args)
  if (render) {
    await writeReport(outDir, await readResults(outDir))
    return EXIT.ok
  }
  const sizes = sizesOf({ rounds, rows, quick, large })
  const failed = await askAll({ questions, sizes, peersDir: resolve(peers), outDir })
  console.log(`${outDir}/RESULTS.md`)
  if (failed.length > 0) console.error(`error: no answer to ${failed.join(', ')}`)
  return failed.length > 0 ? EXIT.failure : EXIT.ok
})

function chosen(names: readonly string[]) {
  const unknown = names.filter(name => !QUESTIONS.some(question => question.name === name))
  if (unknown.length > 0) {
    const known = QUESTIONS.map(({ name }) => name).join(', ')
    throw new ConfigurationError(unknown.map(name => `${name}: expected one of ${known}`))
  }
  return names.length === 0 ? QUESTIONS : QUESTIONS.filter(({ name }) => names.includes(name))
}

function count(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text))
    throw new InvalidArgumentError('expected a whole number above 0')
  return Number(text)
}
