import { Option } from 'commander'
import { type Environment, environment } from '../../runtime/env.ts'
import { runOnce } from './once.ts'
import { type Register, wholeNumber } from './register.ts'
import { run } from './run.ts'

/** Flags that win over a setting of the environment. */
const SETTINGS: Record<string, [flag: string, help: string]> = {
  DATA_DIR: ['--data-dir <folder>', 'holds input/, archive/ and refused/ (default: ./data)'],
  INPUT_DIR: ['--input-dir <folder>', 'where files are dropped'],
  ARCHIVE_DIR: ['--archive-dir <folder>', 'where finished files go'],
  INGEST_BATCH_ROWS: ['--batch-rows <n>', 'rows of one transaction at most (default: 20000)'],
  INGEST_CONNECTIONS: ['--connections <n>', 'transactions in flight at most (default: 3)'],
  INGEST_LEASE_SECONDS: ['--lease <seconds>', 'how long a claim outlives its owner (default: 30)'],
  INGEST_SWEEP_SECONDS: ['--sweep <seconds>', 'how often the folder is listed (default: 5)'],
  INGEST_SETTLE_SECONDS: [
    '--settle <seconds>',
    'how long a file must be still to be finished (default: 2)',
  ],
  INGEST_MAX_LINE_BYTES: ['--max-line-bytes <n>', 'longest accepted line (default: 65536)'],
  INGEST_ARCHIVE: ['--archive <mode>', 'move, delete or keep finished files (default: move)'],
  INGEST_WATCH: ['--watch <mode>', 'auto, events or polling (default: auto)'],
  METRICS_PORT: [
    '--metrics-port <port>',
    'of /livez, /readyz and /metrics; 0 takes a free one (default: 9464)',
  ],
  LOG_LEVEL: ['--log-level <level>', 'fatal, error, warn, info, debug or trace (default: info)'],
}

/** `ingest run`, which is also what `ingest` alone means. */
export const addRun: Register = (program, ends) => {
  const command = program
    .command('run', { isDefault: true })
    .description('ingest what is dropped, until stopped')
    .option('--once', 'ingest all that is waiting, print a summary and end')
    .option('--json', 'with --once: the summary as JSON')
    .option(
      '--max-rejects <n>',
      'with --once: more rejected rows end with exit code 3',
      wholeNumber,
    )
    .action(
      ends(async options => {
        const { once, json = false, maxRejects = Number.POSITIVE_INFINITY } = options
        const flags = given(options)
        return once
          ? runOnce({ json, maxRejects }, flags, environment())
          : run(flags, environment())
      }),
    )
  for (const [name, [flag, help]] of Object.entries(SETTINGS)) {
    command.addOption(new Option(flag, `${help} [${name}]`))
  }
}

function given(options: Record<string, unknown>): Environment {
  const keyOf = (flag: string) => new Option(flag).attributeName()
  return Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([name, [flag]]) => {
      const value = options[keyOf(flag)]
      return value === undefined ? [] : [[name, String(value)]]
    }),
  )
}
