import { randomInt } from 'node:crypto'
import { EXIT, exitWith } from '../runtime/command.ts'
import { environment } from '../runtime/env.ts'
import { createLogger } from '../runtime/logger.ts'
import { exitOnDefect, stopOnSignals } from '../runtime/shutdown.ts'
import { readConfig } from './config.ts'
import { describeFailure } from './failure.ts'
import { readCommandLine } from './flags.ts'
import { prepareFolders } from './folders.ts'
import { generate } from './generate.ts'
import { openManifest } from './manifest.ts'
import { createPace } from './pace.ts'
import { barProgress, loggedProgress } from './progress.ts'
import { sourcesOf } from './sources.ts'
import { emptySummary, summaryText } from './summary.ts'

await exitWith(async () => {
  const { flags, json } = readCommandLine(process.argv)
  const config = readConfig(flags, environment())
  const logger = createLogger('generator', config.logLevel)
  exitOnDefect(logger)
  const stop = stopOnSignals(logger)
  const sources = sourcesOf(config, () => randomInt(2 ** 32))
  await prepareFolders(config, sources.runId)
  const manifest = config.manifest === undefined ? undefined : await openManifest(config.manifest)
  const showsBar = config.files !== undefined && process.stderr.isTTY
  const progress = showsBar ? barProgress(config.files) : loggedProgress(logger)
  const summary = emptySummary(sources.runId, sources.seed)
  const files = config.files ?? Number.POSITIVE_INFINITY
  const run = { ...sources, folders: config, files, manifest, progress, logger, stop }
  const startedMs = performance.now()
  try {
    await generate({ ...run, turn: createPace(config.pace, stop) }, summary)
  } catch (error) {
    const failure = describeFailure(error)
    if (failure === undefined) throw error
    progress.end()
    console.error(`error: ${failure}`)
    return EXIT.failure
  } finally {
    progress.end()
    await manifest?.close()
  }
  summary.seconds = (performance.now() - startedMs) / 1000
  summary.rowsPerSecond = Math.round(summary.rows / summary.seconds)
  summary.stopped = stop.aborted && summary.files < files
  console.log(json ? JSON.stringify(summary) : summaryText(summary))
  return EXIT.ok
})
