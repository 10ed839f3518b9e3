import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Circumstances } from './machine.ts'
import type { Answer } from './question.ts'
import type { Sizes } from './sizes.ts'

/** An answer and all that it depends on: questions may have been asked on different days. */
export interface Result extends Answer {
  readonly title: string
  readonly sizes: Sizes
  readonly circumstances: Circumstances
}

/** By the name of the question. */
export type Results = Readonly<Record<string, Result>>

const FILE = 'results.json'

export async function readResults(folder: string): Promise<Results> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => '{}')
  return JSON.parse(text)
}

/** Keeps the answers to all other questions. */
export async function keepResult(folder: string, name: string, result: Result): Promise<Results> {
  const results = { ...(await readResults(folder)), [name]: result }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, FILE), `${JSON.stringify(results, shortened, 2)}\n`)
  return results
}

/** Five digits say all that a measurement can. */
function shortened(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(5))
    : value
}
