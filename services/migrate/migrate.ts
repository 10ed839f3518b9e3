import { inTransaction, type Pool, type Transaction } from '../runtime/database.ts'
import { ConfigurationError } from '../runtime/env.ts'
import { type Migration, migrations } from '../runtime/migrations.ts'
import { type Passwords, setPasswords } from './passwords.ts'

/** Any number will do, as long as every starter takes the same one. */
const LOCK = 7_305_115

/**
 * Brings the database to the newest version, all or nothing. Several starters may race: an advisory
 * lock lets one work and the others find nothing left to do. Roles with a password can log in then.
 * @returns the names of what was applied, in order
 * @throws ConfigurationError where an applied migration is not the file that stands in `sql/` today
 */
export async function migrate(pool: Pool, passwords: Passwords = {}): Promise<string[]> {
  return inTransaction(pool, async tx => {
    await tx.query('set local lock_timeout = 0; set local statement_timeout = 0')
    await tx.query('select pg_advisory_xact_lock($1)', [LOCK])
    const applied = await appliedHashes(tx)
    const known = migrations()
    refuseDifferences(known, applied)
    const missing = known.filter(({ version }) => !applied.has(version))
    for (const migration of missing) await apply(tx, migration)
    await setPasswords(tx, passwords)
    return missing.map(({ name }) => name)
  })
}

async function appliedHashes(tx: Transaction): Promise<Map<number, string>> {
  await tx.query(
    `create table if not exists schema_migrations (
       version    integer     primary key,
       name       text        not null,
       hash       text        not null,
       applied_at timestamptz not null default now())`,
  )
  const { rows } = await tx.query('select version, hash from schema_migrations')
  return new Map(rows.map(row => [row.version, row.hash]))
}

function refuseDifferences(known: Migration[], applied: Map<number, string>): void {
  const faults = known
    .filter(({ version, hash }) => applied.has(version) && applied.get(version) !== hash)
    .map(
      ({ name }) =>
        `sql/${name}: expected the file that was applied, found another content; migrations are forward-only: restore it and add a new one`,
    )
  const newest = known.at(-1)!.version
  const foreign = [...applied.keys()].filter(version => version > newest)
  if (foreign.length > 0) {
    faults.push(
      `schema: expected at most version ${newest}, found ${Math.max(...foreign)}; use the newer release that made it`,
    )
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
}

async function apply(tx: Transaction, { version, name, sql, hash }: Migration): Promise<void> {
  await tx.query(sql)
  await tx.query('insert into schema_migrations (version, name, hash) values ($1, $2, $3)', [
    version,
    name,
    hash,
  ])
}
