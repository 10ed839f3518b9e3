import { readFileSync } from 'node:fs'
import { parse } from 'dotenv'
import { z } from 'zod'

export type Environment = Readonly<Record<string, string | undefined>>

/** A fault that the user can mend by changing a flag or a setting: one line each, exit code 2. */
export class ConfigurationError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigurationError'
    this.faults = faults
  }
}

/** The environment over what `.env` in the working folder says; an empty value counts as not set. */
export function environment(): Environment {
  const filled = Object.entries({ ...dotenvFile(), ...process.env }).filter(
    ([, value]) => value !== '',
  )
  return Object.freeze(Object.fromEntries(filled))
}

/**
 * Reads settings into a frozen value. `schema` is keyed by the environment's names; `flags` hold
 * what the command line said under the same names and win over the environment.
 * @throws ConfigurationError with every fault at once
 */
export function settings<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  flags: Environment,
  env: Environment,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const given = Object.fromEntries(
    Object.keys(schema.shape).map(name => [name, flags[name] ?? env[name]]),
  )
  const result = schema.safeParse(given)
  if (result.success) return Object.freeze(result.data)
  throw new ConfigurationError(
    result.error.issues.map(({ path, message }) => {
      const name = String(path[0])
      return `${name}: ${message}, found ${JSON.stringify(given[name] ?? null)}`
    }),
  )
}

/**
 * What each reader reads, so that the faults of all of them are told at once.
 * @throws ConfigurationError with every fault of every reader
 */
export function together<Values extends unknown[]>(
  ...readers: { [Index in keyof Values]: () => Values[Index] }
): Values {
  const faults: string[] = []
  const values: unknown[] = []
  for (const read of readers) {
    try {
      values.push(read())
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      faults.push(...error.faults)
    }
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return values as Values
}

const number = (pattern: RegExp, expected: string, min: number, max: number, fallback: number) =>
  z
    .string({ error: `expected ${expected}` })
    .regex(pattern, `expected ${expected}`)
    .transform(Number)
    .refine(value => value >= min && value <= max, `expected ${expected} from ${min} to ${max}`)
    .default(fallback)

/** A whole number within bounds, both inclusive. */
export const whole = (min: number, max: number, fallback: number) =>
  number(/^\d{1,15}$/, 'a whole number', min, max, fallback)

/** A number within bounds, fractions allowed; no exponent. */
export const decimal = (min: number, max: number, fallback: number) =>
  number(/^\d{1,12}(\.\d{1,9})?$/, 'a number', min, max, fallback)

export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  fallback: Values[number],
) => z.enum(values, { error: `expected ${values.join(', ')}` }).default(fallback as never)

/** The value of NAME, or the first line of the file that NAME_FILE points to (Docker's convention). */
export function secret(env: Environment, name: string): string | undefined {
  const file = env[`${name}_FILE`]
  if (file === undefined) return env[name]
  let line: string
  try {
    line = readFileSync(file, 'utf8').replace(/\r?\n[\s\S]*$/, '')
  } catch (error) {
    throw new ConfigurationError([
      `${name}_FILE: expected a readable file, found ${JSON.stringify(file)} (${(error as NodeJS.ErrnoException).code})`,
    ])
  }
  if (line !== '') return line
  throw new ConfigurationError([
    `${name}_FILE: expected the secret in the first line of ${JSON.stringify(file)}, found nothing`,
  ])
}

function dotenvFile(): Record<string, string> {
  try {
    return parse(readFileSync('.env'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new ConfigurationError([
      `.env: cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ])
  }
}
