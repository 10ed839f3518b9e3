import { Command } from 'commander'
import { exitWith } from '../runtime/command.ts'
import { addAudit } from './commands/audit.ts'
import { addCheck } from './commands/check.ts'
import { addDoctor } from './commands/doctor.ts'
import { addErrors } from './commands/errors.ts'
import type { Ends } from './commands/register.ts'
import { addReplay } from './commands/replay.ts'
import { addRun } from './commands/start.ts'
import { addStatus } from './commands/status.ts'

const COMMANDS = [addRun, addCheck, addStatus, addErrors, addReplay, addAudit, addDoctor]

// Whoever read the answer has seen enough: `ingest status --watch | head`.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
  throw error
})

await exitWith(async () => {
  let exitCode = 0
  const ends: Ends =
    action =>
    async (...args) => {
      exitCode = await action(...args)
    }
  const program = new Command('ingest')
    .description('Load files dropped in a folder into PostgreSQL, each row exactly once')
    .exitOverride()
  for (const add of COMMANDS) add(program, ends)
  for (const command of everyCommand(program)) {
    if (command.name() === 'run' || command.commands.length > 0) continue
    command
      .option('--json', 'for a program instead of a person')
      .option('--data-dir <folder>', 'holds input/ and archive/ [DATA_DIR]')
  }
  await program.parseAsync()
  return exitCode
})

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap(child => [child.exitOverride(), ...everyCommand(child)])
}
