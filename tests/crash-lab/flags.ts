import { Command, InvalidArgumentError } from 'commander'

export interface Flags {
  readonly kills: number
  readonly seed: number
  /** For reading, before and after each kill. */
  readonly pauseMs: number
  /** Keep the system running after the last proof, to be looked at. */
  readonly stay: boolean
}

const MORE = `
Each kill is announced, done at an exact moment (the lab holds the connection still for a blink), and accounted for:
what was in flight, what PostgreSQL has afterwards, where the survivor went on, what was lost and doubled.

Examples:
  npm run crash-lab
  npm run crash-lab -- --kills 3 --pause 5
  npm run crash-lab -- --stay          look at the tables yourself afterwards

Exit codes: 0 the proof holds; 1 it does not, or a failure; 2 usage; 130 stopped by Ctrl-C before the proof.`

/** @throws CommanderError after having told what is wrong, or having shown the help */
export function readFlags(argv: readonly string[], isTerminal: boolean): Flags {
  const options = new Command('crash-lab')
    .description(
      'Watch the system die and come back: a real server, generator and two ingestors, killed again and again.',
    )
    .option('--kills <n>', 'how many', positive, 10)
    .option(
      '--seed <n>',
      'which kills, in what order, on what data; drawn and shown by default',
      whole,
    )
    .option('--pause <s>', 'seconds for reading (default: 2 on a terminal, 0 in a pipe)', whole)
    .option('--stay', 'keep everything running after the proof, until Ctrl-C')
    .addHelpText('after', MORE)
    .allowExcessArguments(false)
    .exitOverride()
    .parse(argv)
    .opts()
  return {
    kills: options.kills,
    seed: options.seed ?? Math.floor(Math.random() * 1e9),
    pauseMs: (options.pause ?? (isTerminal ? 2 : 0)) * 1_000,
    stay: options.stay ?? false,
  }
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new InvalidArgumentError('expected a whole number from 1 to 9999')
  return Number(text)
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError('expected a whole number from 0 to 999999999')
  return Number(text)
}
