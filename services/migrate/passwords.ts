import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Transaction } from '../runtime/database.ts'
import { ConfigurationError, type Environment, secret, together } from '../runtime/env.ts'

/** Of whom, by role; the owner is whoever migrates. A role without one stays as it is. */
export interface Passwords {
  owner?: string
  ingest_writer?: string
  ingest_reader?: string
}

/** @throws ConfigurationError naming every fault */
export function passwordsOf(env: Environment): Passwords {
  const [owner, writer, reader] = together(
    () => password(env, 'INGEST_OWNER_PASSWORD'),
    () => password(env, 'INGEST_WRITER_PASSWORD'),
    () => password(env, 'INGEST_READER_PASSWORD'),
  )
  const given = { owner, ingest_writer: writer, ingest_reader: reader }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

// Other characters would be hashed in a form (SASLprep) that not every driver knows.
function password(env: Environment, name: string): string | undefined {
  const value = secret(env, name)
  if (value === undefined || /^[\x21-\x7e]+$/.test(value)) return value
  throw new ConfigurationError([`${name}: expected printable ASCII without blanks, found another`])
}

/**
 * Lets roles log in. The server is told a verifier, as psql's `\password` does: the password itself
 * is in no statement, so no log and no statistics of the server can show it.
 */
export async function setPasswords(tx: Transaction, passwords: Passwords): Promise<void> {
  for (const [role, value] of Object.entries(passwords)) {
    const whom = role === 'owner' ? 'current_user' : pg.escapeIdentifier(role)
    await tx.query(`alter role ${whom} login password ${pg.escapeLiteral(verifierOf(value))}`)
  }
}

const ITERATIONS = 4096

/** RFC 5803, section 3, with SCRAM-SHA-256 (RFC 7677), in PostgreSQL's spelling. */
function verifierOf(value: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(value, salt, ITERATIONS, 32, 'sha256')
  const key = (name: string) => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(key('Client Key')).digest('base64')
  const server = key('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`
}
