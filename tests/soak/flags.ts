import { Command, InvalidArgumentError } from 'commander'
import { FAULTS } from './faults.ts'

export interface Flags {
  readonly runMs: number
  readonly seed: number
  readonly faultEveryMs: number
  /** How many ingestors, at least and at most; each round draws its own number. */
  readonly ingestors: readonly [number, number]
  /** Of the steady generator; the bursts that faults fall into come on top. */
  readonly eventsPerSecond: number
  readonly faults: readonly string[]
  /** Where all of it is kept; by default a new folder among the temporary ones. */
  readonly folder: string | undefined
  readonly svg: string | undefined
  /** A folder that a breach has left: its server is started, and nothing else. */
  readonly look: string | undefined
}

const MORE = `
Faults: ${FAULTS.map(({ name }) => name).join(', ')}

Examples:
  npm run soak -- --hours 8 --seed 42
  npm run soak -- --minutes 5 --fault-every 10
  npm run soak -- --minutes 10 --faults kill,freeze,server-crash --ingestors 4

Exit codes: 0 nothing was lost and nothing came twice; 1 a breach, or a failure; 2 usage.
Ctrl-C ends the run early, with the last proof and the summary.`

/** @throws CommanderError after having told what is wrong, or having shown the help */
export function readFlags(argv: readonly string[]): Flags {
  const options = new Command('soak')
    .description(
      'Run a real server, generators and ingestors for hours, a fault every so often, and check all along that no row\nis lost and none is there twice. Linux only: memory and descriptors are read from /proc.',
    )
    .option('--hours <n>', 'how long, fractions allowed', positive)
    .option('--minutes <n>', 'how long (default: 10)', positive)
    .option('--seed <n>', 'which faults come, and when; drawn and shown by default', whole)
    .option('--fault-every <s>', 'seconds from fault to fault', positive, 30)
    .option('--ingestors <n|min-max>', '1 to 4; drawn anew every five minutes', range, [2, 4])
    .option('--rate <n>', 'events a second of the steady generator', positive, 50)
    .option('--faults <names>', 'only these, by commas (default: all)', names)
    .option('--folder <path>', 'keep everything there (default: a temporary folder)')
    .option('--svg <file>', 'where the charts go (default: tmp/soak-SEED.svg)')
    .option('--look <folder>', 'start the server of a run that ended with a breach, to look at it')
    .addHelpText('after', MORE)
    .allowExcessArguments(false)
    .exitOverride()
    .parse(argv)
    .opts()
  const minutes = (options.hours ?? 0) * 60 + (options.minutes ?? 0)
  return {
    runMs: (minutes || 10) * 60_000,
    seed: options.seed ?? Math.floor(Math.random() * 1e9),
    faultEveryMs: options.faultEvery * 1_000,
    ingestors: options.ingestors,
    eventsPerSecond: options.rate,
    faults: options.faults ?? FAULTS.map(({ name }) => name),
    ...{ folder: options.folder, svg: options.svg, look: options.look },
  }
}

function positive(text: string): number {
  const number = Number(text)
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text) || number === 0)
    throw new InvalidArgumentError('expected a number above 0')
  return number
}

function whole(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295')
  return Number(text)
}

function range(text: string): [number, number] {
  const [, min, max = min] = /^([1-4])(?:-([1-4]))?$/.exec(text) ?? []
  if (min === undefined || Number(min) > Number(max))
    throw new InvalidArgumentError('expected 1 to 4, or a range such as 2-4')
  return [Number(min), Number(max)]
}

function names(text: string): string[] {
  const given = text.split(',')
  const unknown = given.filter(name => !FAULTS.some(fault => fault.name === name))
  if (unknown.length > 0)
    throw new InvalidArgumentError(
      `expected names among ${FAULTS.map(({ name }) => name).join(', ')}; found ${unknown.join(', ')}`,
    )
  return given
}
