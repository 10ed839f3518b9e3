import { setTimeout as delay } from 'node:timers/promises'
import { EXIT } from '../../runtime/command.ts'
import type { Pool } from '../../runtime/database.ts'
import { ConfigurationError } from '../../runtime/env.ts'
import { replayAsked } from '../replay.ts'
import type { Register } from './register.ts'
import { type CommonOptions, withSession } from './session.ts'

/** An ingestor that was faster has the request, and commits what came of it in a moment. */
const LOOK_MS = 50
const LOOKS = 200

export const addReplay: Register = (program, ends) => {
  program
    .command('replay')
    .description('have archived files ingested again, each as a new generation')
    .argument('<file...>', 'names they were dropped under, or have in the archive')
    .action(ends(replay))
}

async function replay(files: string[], options: CommonOptions): Promise<number> {
  return withSession('replay', options, async ({ pool, config }) => {
    for (const file of files) await ask(file, pool)
    // Where no ingestor runs, or this one sees the folders first, it is done here and now.
    await replayAsked(pool, 'ingest replay', config)
    const outcomes = await outcomesOf(files, pool)
    if (options.json) console.log(JSON.stringify(outcomes))
    else
      for (const { archived, outcome } of outcomes)
        console.log(`${archived}: ${outcome ?? 'asked for; no answer yet'}`)
    return outcomes.every(({ outcome }) => outcome === 'dropped again') ? EXIT.ok : EXIT.failure
  })
}

async function ask(file: string, pool: Pool): Promise<void> {
  await pool.query('select ingest_replay($1)', [file]).catch(error => {
    throw error.code === 'P0001' ? new ConfigurationError([error.message]) : error
  })
}

async function outcomesOf(files: readonly string[], pool: Pool): Promise<Outcome[]> {
  for (let look = 1; ; look++) {
    const { rows } = await pool.query(
      `select distinct on (c.file_id) c.file_name as file, f.archived_as as archived, c.outcome
         from ingest_commands c join ingest_files f using (file_id)
        where c.command = 'replay' and (f.file_name = any($1) or f.archived_as = any($1))
        order by c.file_id, c.command_id desc`,
      [files],
    )
    if (look === LOOKS || rows.every(({ outcome }) => outcome !== null)) return rows
    await delay(LOOK_MS)
  }
}

interface Outcome {
  file: string
  archived: string
  outcome: string | null
}
