import { EXIT } from '../../runtime/command.ts'
import { connection, describeTarget } from '../../runtime/connection.ts'
import { createLogger } from '../../runtime/logger.ts'
import { type Diagnosis, diagnose } from '../diagnose.ts'
import { count, paint } from './paint.ts'
import type { Register } from './register.ts'
import { type CommonOptions, openPool, settingsOf } from './session.ts'

export const addDoctor: Register = (program, ends) => {
  program
    .command('doctor')
    .description('look at everything an ingestor stands on; 1 where something is at fault')
    .action(ends(doctor))
}

async function doctor(options: CommonOptions): Promise<number> {
  const { config, env } = settingsOf(options)
  const pool = openPool('doctor', env, createLogger('ingest', 'silent'))
  const all: Diagnosis[] = []
  try {
    for await (const diagnosis of diagnose(pool, describeTarget(connection(env)), config)) {
      all.push(diagnosis)
      if (!options.json) console.log(inText(diagnosis))
    }
  } finally {
    await pool.end()
  }
  const faults = all.filter(({ fault }) => fault !== null).length
  if (options.json) console.log(JSON.stringify({ fit: faults === 0, diagnoses: all }))
  else
    console.log(faults === 0 ? paint('green', 'all is well') : paint('red', count(faults, 'fault')))
  return faults === 0 ? EXIT.ok : EXIT.failure
}

function inText({ about, found, fault, remedy }: Diagnosis): string {
  const mark = fault === null ? paint('green', 'ok   ') : paint('red', 'FAULT')
  const advice = remedy === null ? '' : `\n      ${paint('yellow', 'remedy:')} ${remedy}`
  return `${mark} ${about}: ${found}${advice}`
}
