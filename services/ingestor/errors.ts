import { DatabaseError } from 'pg'

/**
 * What an error of the database asks for. `transient`: wait and do the same again. `data`: a row is
 * at fault, find it. `configuration`: a person must act; say so, wait longer, do not give up.
 * `folder`: not the database but the input folder cannot be read now. `defect`: this program is wrong.
 */
export type Fault = 'transient' | 'data' | 'configuration' | 'folder' | 'defect'

// Classes of SQLSTATE, PostgreSQL's documentation, appendix A.
const TRANSIENT = /^(08|25006|25P0[23]|40|53|55P03|55006|57|58|XX)/
// 22P03 and 08P01: a column of user_activity is not of the type that its binary value was made for.
const CONFIGURATION = /^(28|3D|3F|42|0A|0P|22P03|08P01|TLS)/
const DATA = /^(22|23)/
// Whatever else the server raises comes of a row: a trigger's `raise exception` has class P0, or any
// that its author chose. Not these classes, which only this program can bring about.
const OUR_MISTAKE = /^(0[0-3BFLZ]|2[0456BDF]|3[46B]|72|F0|HV)/
const NETWORK = /^(ECONN|ETIMEDOUT|EHOST|ENET|EPIPE|EAI_|ENOTFOUND|ENOENT$)/

/** Names of the calls that look at a folder and what is in it. */
const FOLDER = /^(scandir|opendir|lstat|open)$/

export function triage(error: unknown): Fault {
  const code = errorCode(error)
  if (FOLDER.test((error as NodeJS.ErrnoException | null)?.syscall ?? '')) return 'folder'
  if (CONFIGURATION.test(code)) return 'configuration'
  if (TRANSIENT.test(code) || NETWORK.test(code) || isLostConnection(error)) return 'transient'
  if (DATA.test(code)) return 'data'
  if (error instanceof DatabaseError && !OUR_MISTAKE.test(code)) return 'data'
  return 'defect'
}

export function errorCode(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '')
}

export const UNIQUE_VIOLATION = '23505'
/** `deadlock_detected` and `lock_not_available`: two sessions want the same keys. */
export const CONTENTION: readonly string[] = ['40P01', '55P03']

/** Somebody else owns a file of the batch now, or has moved its offset: nothing of it may be stored. */
export class Fenced extends Error {
  readonly code = 'FENCED'
  readonly fileIds: readonly number[]

  constructor(fileIds: readonly number[]) {
    super(`another ingestor owns the file now: file_id ${fileIds.join(', ')}`)
    this.name = 'Fenced'
    this.fileIds = fileIds
  }
}

/** The batch before this one has not committed at its first try; this one stands back until it has. */
export class OutOfTurn extends Error {
  readonly code = 'OUT_OF_TURN'

  constructor() {
    super('the batch before this one of the same file failed; it goes first')
    this.name = 'OutOfTurn'
  }
}

// node-postgres gives these no code.
function isLostConnection(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(Connection terminated|Query read timeout|timeout e(xpired|xceeded)|Client has encountered a connection error|There was an error establishing an SSL connection)/.test(
      error.message,
    )
  )
}
