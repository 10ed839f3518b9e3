import { Command } from 'commander'
import { EXIT, exitWith } from '../runtime/command.ts'
import { connection, describeTarget } from '../runtime/connection.ts'
import { createPool } from '../runtime/database.ts'
import { environment, together } from '../runtime/env.ts'
import { createLogger } from '../runtime/logger.ts'
import { migrate } from './migrate.ts'
import { passwordsOf } from './passwords.ts'

await exitWith(async () => {
  new Command('migrate')
    .description('Bring the database to the newest schema version')
    .exitOverride()
    .parse()
  const env = environment()
  const [target, passwords] = together(
    () => connection(env),
    () => passwordsOf(env),
  )
  const logger = createLogger('migrate', 'info')
  const pool = createPool(target, { applicationName: 'migrate', maxConnections: 1 }, logger)
  try {
    const applied = await migrate(pool, passwords)
    const canLogIn = Object.keys(passwords)
    logger.info({ applied, canLogIn, database: describeTarget(target) }, 'the schema is up to date')
    return EXIT.ok
  } finally {
    await pool.end()
  }
})
