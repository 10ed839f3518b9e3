import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import pg from 'pg'
import { EXIT, exitWith } from '../runtime/command.ts'
import { ConfigurationError, environment } from '../runtime/env.ts'
import { urlFile } from '../runtime/running.ts'
import { answerInText } from './answer.ts'
import { localConfig } from './config.ts'

/** One SQL statement on the database of a running `npm start`, for whoever has no psql. */
await exitWith(async () => {
  const command = new Command('query')
    .description('Ask the database of a running `npm start`')
    .argument('<sql...>', 'an SQL statement, in quotes')
    .exitOverride()
    .parse()
  const client = new pg.Client({
    connectionString: runningUrl(),
    types: { getTypeParser: () => String },
  })
  await client.connect()
  try {
    const answer = await client.query({ text: command.args.join(' '), rowMode: 'array' })
    // Several statements give several answers, as in psql; the last one counts.
    const last = Array.isArray(answer) ? answer.at(-1) : answer
    console.log(answerInText(last, process.stdout.columns))
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    throw new ConfigurationError([error.message])
  } finally {
    await client.end()
  }
})

function runningUrl(): string {
  const file = urlFile(localConfig({}, environment()).dataDir)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new ConfigurationError(['nothing is running here: npm start first, in another terminal'])
  }
}
