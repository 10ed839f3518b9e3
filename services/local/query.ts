import { readFileSync } from 'node:fs'
import Table from 'cli-table3'
import { Command } from 'commander'
import pg from 'pg'
import { EXIT, exitWith } from '../runtime/command.ts'
import { ConfigurationError, environment } from '../runtime/env.ts'
import { localConfig } from './config.ts'
import { urlFile } from './database.ts'

const MOST_ROWS = 1_000

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
    print(Array.isArray(answer) ? answer.at(-1) : answer)
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

function print({ fields, rows, command, rowCount }: pg.QueryArrayResult<(string | null)[]>): void {
  if (fields.length === 0) {
    console.log(`${command} ${rowCount ?? ''}`.trim())
    return
  }
  const style = process.stdout.isTTY ? { head: ['cyan'] } : { head: [], border: [] }
  const table = new Table({ head: fields.map(({ name }) => name), style })
  table.push(...rows.slice(0, MOST_ROWS).map(row => row.map(value => value ?? '')))
  console.log(table.toString())
  const more = rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : ''
  console.log(`${rows.length.toLocaleString('en-US')} row${rows.length === 1 ? '' : 's'}${more}`)
}
