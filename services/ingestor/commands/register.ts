import { type Command, InvalidArgumentError } from 'commander'

/** Turns an action that gives an exit code into one that commander can call. */
export type Ends = <Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>

/** Adds a command to the program. */
export type Register = (program: Command, ends: Ends) => void

/** For an option that counts something. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidArgumentError(`expected a whole number, found ${text}`)
  return Number(text)
}
