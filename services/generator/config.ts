import { join, resolve } from 'node:path'
import { z } from 'zod'
import {
  ConfigurationError,
  decimal,
  type Environment,
  oneOf,
  settings,
  whole,
} from '../runtime/env.ts'
import { LOG_LEVELS } from '../runtime/logger.ts'
import type { FaultRates } from './faults.ts'
import type { Folders } from './folders.ts'
import type { Pace } from './pace.ts'

const MAX_ROWS = 1_000_000_000
const MAX_SEED = 4_294_967_295
const ROWS = /^(\d{1,10})(?:-(\d{1,10}))?$/
const EXPECTED_TIME = 'expected a time such as 2026-01-02T03:04:05Z, from 1970 to 2199'

const SETTINGS = z.object({
  DATA_DIR: z.string().default('./data'),
  INPUT_DIR: z.string().optional(),
  TEMP_DIR: z.string().optional(),
  BATCH_SIZE_MIN: whole(0, MAX_ROWS, 50),
  BATCH_SIZE_MAX: whole(0, MAX_ROWS, 100),
  BATCH_INTERVAL: decimal(0, 86_400, 5),
  LOG_LEVEL: oneOf(LOG_LEVELS, 'info'),
  '--files': whole(1, 1_000_000_000, 1).unwrap().optional(),
  '--rows': z
    .string()
    .refine(isRowRange, `expected N or MIN-MAX, whole numbers up to ${MAX_ROWS}`)
    .optional(),
  '--interval': decimal(0, 86_400, 0).unwrap().optional(),
  '--rate': decimal(0.001, 10_000_000, 1).unwrap().optional(),
  '--seed': whole(0, MAX_SEED, 0).unwrap().optional(),
  '--start-time': z.string().refine(isStartTime, EXPECTED_TIME).optional(),
  '--bad-rate': decimal(0, 1, 0),
  '--duplicate-rate': decimal(0, 1, 0),
  '--manifest': z.string().optional(),
})

export interface Config extends Folders, FaultRates {
  /** How many files to write; none: until stopped. */
  readonly files: number | undefined
  readonly rowsMin: number
  readonly rowsMax: number
  readonly pace: Pace
  readonly seed: number | undefined
  /** Where the events' own clock starts, in microseconds since 1970; none: the system's clock. */
  readonly startMicros: number | undefined
  readonly manifest: string | undefined
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/**
 * @param flags what the command line said, under the flags' own names
 * @throws ConfigurationError naming every fault
 */
export function readConfig(flags: Environment, env: Environment): Config {
  const faults = contradictions(flags)
  try {
    const config = configOf(settings(SETTINGS, flags, env))
    if (faults.length === 0) return config
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    faults.push(...error.faults)
  }
  throw new ConfigurationError(faults)
}

function configOf(read: z.infer<typeof SETTINGS>): Config {
  const config = Object.freeze({
    inputDir: resolve(read.INPUT_DIR ?? join(read.DATA_DIR, 'input')),
    tempDir: resolve(read.TEMP_DIR ?? join(read.DATA_DIR, 'temp')),
    files: read['--files'],
    ...rowRange(read['--rows'] ?? `${read.BATCH_SIZE_MIN}-${read.BATCH_SIZE_MAX}`),
    pace: paceOf(read),
    seed: read['--seed'],
    startMicros: startMicros(read['--start-time']),
    badRate: read['--bad-rate'],
    duplicateRate: read['--duplicate-rate'],
    manifest: read['--manifest'],
    logLevel: read.LOG_LEVEL,
  })
  const faults: string[] = []
  if (config.rowsMin > config.rowsMax) {
    const name = read['--rows'] === undefined ? 'BATCH_SIZE_MIN' : '--rows'
    faults.push(`${name}: expected at most ${config.rowsMax}, the maximum, found ${config.rowsMin}`)
  }
  if (config.badRate + config.duplicateRate > 1) {
    faults.push('--bad-rate and --duplicate-rate: expected no more than 1 together')
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return config
}

function contradictions(flags: Environment): string[] {
  return flags['--interval'] !== undefined && flags['--rate'] !== undefined
    ? ['--interval and --rate: expected one of them, found both']
    : []
}

// A number of files asked for by hand is wanted now; only an endless run has a pace by default.
function paceOf(read: z.infer<typeof SETTINGS>): Pace {
  if (read['--rate'] !== undefined) return { eventsPerSecond: read['--rate'] }
  const byDefault = read['--files'] === undefined ? read.BATCH_INTERVAL : 0
  return { intervalMs: (read['--interval'] ?? byDefault) * 1000 }
}

function rowRange(text: string): { rowsMin: number; rowsMax: number } {
  const [, min, max] = ROWS.exec(text)!
  return { rowsMin: Number(min), rowsMax: Number(max ?? min) }
}

function isRowRange(text: string): boolean {
  if (!ROWS.test(text)) return false
  const { rowsMin, rowsMax } = rowRange(text)
  return Math.max(rowsMin, rowsMax) <= MAX_ROWS
}

function isStartTime(text: string): boolean {
  if (!z.iso.datetime({ offset: true }).safeParse(text).success) return false
  const year = new Date(text).getUTCFullYear()
  return year >= 1970 && year < 2200
}

function startMicros(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text) * 1000
}
