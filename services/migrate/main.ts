import { Command } from 'commander'
import { EXIT, exitWith } from '../runtime/command.ts'
import { connection, createPool, describeTarget } from '../runtime/database.ts'
import { environment } from '../runtime/env.ts'
import { createLogger } from '../runtime/logger.ts'
import { migrate } from './migrate.ts'

await exitWith(async () => {
  new Command('migrate')
    .description('Bring the database to the newest schema version')
    .exitOverride()
    .parse()
  const config = connection(environment())
  const logger = createLogger('migrate', 'info')
  const pool = createPool(config, { applicationName: 'migrate', maxConnections: 1 }, logger)
  try {
    const applied = await migrate(pool)
    logger.info({ applied, database: describeTarget(config) }, 'the schema is up to date')
    return EXIT.ok
  } finally {
    await pool.end()
  }
})
