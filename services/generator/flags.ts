import { Command } from 'commander'
import type { Environment } from '../runtime/env.ts'

export interface CommandLine {
  /** What was given, under the flags' own names: `--rows` and so on. */
  readonly flags: Environment
  readonly json: boolean
}

const MORE = `
Environment (also read from .env; a flag wins):
  DATA_DIR         holds temp/ and input/ (default ./data)
  TEMP_DIR         where files are written (default DATA_DIR/temp)
  INPUT_DIR        where finished files appear; on the same mount (default DATA_DIR/input)
  BATCH_SIZE_MIN   rows of a file, at least (default 50)
  BATCH_SIZE_MAX   rows of a file, at most (default 100)
  BATCH_INTERVAL   seconds from file to file without --files (default 5)
  LOG_LEVEL        fatal, error, warn, info, debug, trace or silent (default info)

Examples:
  npm run generate                                        a file every 5 s, until Ctrl-C
  npm run generate -- --files 10 --rows 5000              ten files, at once
  npm run generate -- --rate 20000 --rows 1000-3000       20,000 events a second
  npm run generate -- --files 3 --rows 1000 --bad-rate 0.05 --manifest answers.jsonl
  npm run generate -- --files 3 --seed 7 --start-time 2026-01-02T00:00:00Z
                                                          the same bytes every time

Exit codes: 0 done, or stopped by a signal; 1 failure; 2 usage or configuration.`

/** @throws CommanderError after having told what is wrong, or having shown the help */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const command = new Command('generate')
    .description(
      'Write plausible e-commerce events (70 % views, 30 % purchases) as CSV files into the input folder.\nEach file appears there whole, under a name that is never used again.',
    )
    .option('--files <n>', 'how many files to write, as fast as possible (default: until stopped)')
    .option('--rows <n|min-max>', 'rows of each file')
    .option('--interval <s>', 'seconds from file to file, fractions allowed; 0 does not wait')
    .option('--rate <n>', 'events per second, instead of --interval')
    .option(
      '--seed <n>',
      'the same seed makes the same events; times, ids and file names stay new\nunless --start-time is given',
    )
    .option(
      '--start-time <iso>',
      "let the events' clock start here and move by the events alone;\nwith --seed, files are the same to the byte",
    )
    .option(
      '--bad-rate <p>',
      'share of rows to spoil, 0 to 1, in every way a line can be rejected;\na quarter as many more are good but awkward (quotes, other time forms)',
    )
    .option(
      '--duplicate-rate <p>',
      'share of rows that repeat an earlier one byte for byte, 0 to 1',
    )
    .option(
      '--manifest <file>',
      'write what to expect of each line as JSON lines: good, duplicate or\nreject with its reason (as files are ingested in the order of their names)',
    )
    .option('--json', 'print the summary as one JSON object')
    .addHelpText('after', MORE)
    .allowExcessArguments(false)
    .exitOverride()
    .parse(argv)
  const { json = false, ...values } = command.opts()
  const flags = Object.entries(values).map(([name, value]) => [`--${dashed(name)}`, value])
  return { flags: Object.fromEntries(flags), json }
}

function dashed(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
