import { lstatSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { decimal, type Environment, oneOf, settings, whole } from '../runtime/env.ts'
import { LOG_LEVELS } from '../runtime/logger.ts'

const SETTINGS = z.object({
  DATA_DIR: z.string().default('./data'),
  INPUT_DIR: z.string().optional(),
  ARCHIVE_DIR: z.string().optional(),
  INGEST_BATCH_ROWS: whole(1, 1_000_000, 20_000),
  INGEST_CONNECTIONS: whole(1, 64, 3),
  INGEST_LEASE_SECONDS: decimal(0.5, 3600, 30),
  INGEST_SWEEP_SECONDS: decimal(0.05, 3600, 5),
  INGEST_SETTLE_SECONDS: decimal(0, 3600, 2),
  INGEST_MAX_LINE_BYTES: whole(256, 16_777_216, 65_536),
  INGEST_ARCHIVE: oneOf(['move', 'delete', 'keep'], 'move'),
  INGEST_WATCH: oneOf(['auto', 'events', 'polling'], 'auto'),
  METRICS_PORT: whole(0, 65_535, 9464),
  METRICS_HOST: z.string().default('127.0.0.1'),
  LOG_LEVEL: oneOf(LOG_LEVELS, 'info'),
})

export type ArchiveMode = 'move' | 'delete' | 'keep'

export interface Config {
  inputDir: string
  archiveDir: string
  refusedDir: string
  /** Rows of one transaction, at most. More: faster under load; fewer: shorter transactions. */
  batchRows: number
  /** Transactions in flight at most; each holds one connection and one batch in memory. */
  connections: number
  /** How long a claim outlives the last sign of life of its owner. */
  leaseMs: number
  /** How often the folder is listed whole, whatever the watcher says. */
  sweepMs: number
  /** How long size and mtime must stand still before a file counts as finished. */
  settleMs: number
  maxLineBytes: number
  archive: ArchiveMode
  watch: 'auto' | 'events' | 'polling'
  metricsPort: number
  metricsHost: string
  logLevel: (typeof LOG_LEVELS)[number]
  /** Names this process in leases and in `pg_stat_activity`: at most 63 bytes. */
  owner: string
}

/**
 * @param identity a short random text that no other ingestor has
 * @throws ConfigurationError naming every fault
 */
export function readConfig(flags: Environment, env: Environment, identity: string): Config {
  const read = settings(SETTINGS, flags, env)
  return Object.freeze({
    inputDir: placeOf(read.INPUT_DIR ?? join(read.DATA_DIR, 'input')),
    archiveDir: placeOf(read.ARCHIVE_DIR ?? join(read.DATA_DIR, 'archive')),
    refusedDir: placeOf(join(read.DATA_DIR, 'refused')),
    batchRows: read.INGEST_BATCH_ROWS,
    connections: read.INGEST_CONNECTIONS,
    leaseMs: read.INGEST_LEASE_SECONDS * 1000,
    sweepMs: read.INGEST_SWEEP_SECONDS * 1000,
    settleMs: read.INGEST_SETTLE_SECONDS * 1000,
    maxLineBytes: read.INGEST_MAX_LINE_BYTES,
    archive: read.INGEST_ARCHIVE,
    watch: read.INGEST_WATCH,
    metricsPort: read.METRICS_PORT,
    metricsHost: read.METRICS_HOST,
    logLevel: read.LOG_LEVEL,
    owner: `ingestor ${hostname().slice(0, 30)} ${process.pid} ${identity}`,
  })
}

/**
 * A folder that is a link is followed now, while it is what its owner made of it, and never again: what
 * takes its place later is not gone into (`held-folder.ts`).
 */
export function placeOf(folder: string): string {
  const path = resolve(folder)
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : path
  } catch {
    // Not there yet, or no way to it: whoever makes it, or uses it, says so.
    return path
  }
}
