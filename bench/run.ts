import { rm } from 'node:fs/promises'
import { newWorkDir } from './folders.ts'
import { commit, loadNow, machine } from './machine.ts'
import { madeIn } from './made.ts'
import type { Bench, Question } from './question.ts'
import { writeReport } from './report.ts'
import { keepResult } from './results.ts'
import type { Sizes } from './sizes.ts'
import { type Stand, startStand } from './stand.ts'

export interface Asking {
  readonly questions: readonly Question[]
  readonly sizes: Sizes
  readonly peersDir: string
  readonly outDir: string
}

const say = (line: string) => console.error(line)

/**
 * Asks one question after the other; each answer is kept, and reported, as soon as it is there.
 * @returns the names of those that failed
 */
export async function askAll({ questions, sizes, peersDir, outDir }: Asking): Promise<string[]> {
  const signal = stopSignal()
  const workDir = await newWorkDir()
  let stand: Stand | undefined
  try {
    stand = await startStand(workDir, say)
    const made = madeIn(workDir, signal, say)
    const bench: Bench = { sizes, stand, made, peersDir, signal, say }
    const failed: string[] = []
    for (const question of questions) {
      try {
        const result = await ask(question, bench)
        await writeReport(outDir, await keepResult(outDir, question.name, result))
      } catch (error) {
        signal.throwIfAborted()
        console.error(error)
        failed.push(question.name)
      }
    }
    return failed
  } finally {
    await stand?.stop()
    await rm(workDir, { recursive: true, force: true })
  }
}

async function ask(question: Question, bench: Bench) {
  const { name, title } = question
  say(`${name}: ${title}`)
  const circumstances = {
    machine: machine(),
    node: process.versions.node,
    postgres: bench.stand.version,
    settings: bench.stand.settings,
    commit: await commit(),
    date: new Date().toISOString().slice(0, 10),
    load: loadNow(),
  }
  const startedMs = performance.now()
  const answer = await question.ask(bench)
  say(`  took ${Math.round((performance.now() - startedMs) / 1000)} s`)
  return { title, ...answer, sizes: bench.sizes, circumstances }
}

/** Ctrl-C kills what runs, and then all that was started is taken down in order. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)))
  }
  return stop.signal
}
