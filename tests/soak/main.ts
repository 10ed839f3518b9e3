import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openScreen, type Screen } from '../../services/local/screen.ts'
import { EXIT, exitWith } from '../../services/runtime/command.ts'
import { ConfigurationError } from '../../services/runtime/env.ts'
import { createLogger } from '../../services/runtime/logger.ts'
import { stopOnSignals } from '../../services/runtime/shutdown.ts'
import { cleanUp } from '../support/cleanup.ts'
import { killAll } from '../support/life.ts'
import { Breach } from './breach.ts'
import { chart } from './chart.ts'
import { type Flags, readFlags } from './flags.ts'
import { lookAt } from './look.ts'
import { prepareSoak, type Soak } from './soak.ts'
import { duration, summary } from './summary.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

await exitWith(async () => {
  const flags = readFlags(process.argv)
  const stop = stopOnSignals(createLogger('soak', 'silent'))
  const screen = openScreen(process.stdout)
  if (flags.look !== undefined) return lookAt(resolve(flags.look), screen, stop)
  screen.say(
    `seed ${flags.seed}: ${duration(flags.runMs)}, a fault every ${flags.faultEveryMs / 1_000} s`,
  )
  const folder = await soakFolder(flags)
  screen.say(`folder: ${folder}`)
  // Asked to stop and stopping: a signal cuts a pause short, never a proof.
  const soak = await prepareSoak(flags, folder, screen, stop)
  try {
    await soak.run()
    screen.release()
    await report(soak, flags, screen)
    await cleanUp()
    if (flags.folder === undefined) await rm(folder, { recursive: true, force: true })
    return EXIT.ok
  } catch (error) {
    await killAll()
    screen.release()
    if (!(error instanceof Breach)) throw error
    await report(soak, flags, screen)
    screen.say(inWords(error, soak, folder))
    return EXIT.failure
  } finally {
    await killAll()
    await cleanUp()
  }
})

// After a breach, what the run was about to do is of no interest any more.
process.exit()

async function soakFolder({ folder, seed }: Flags): Promise<string> {
  if (folder === undefined) {
    const made = await mkdtemp(join(tmpdir(), `hot-folder-soak-${seed}-`))
    // Under root the server has another user, who must be able to get in.
    await chmod(made, 0o755)
    return made
  }
  const path = resolve(folder)
  await mkdir(path, { recursive: true })
  if ((await readdir(path)).length > 0)
    throw new ConfigurationError([`--folder: expected an empty folder, found files in ${path}`])
  return path
}

async function report({ account }: Soak, flags: Flags, screen: Screen): Promise<void> {
  const svg = resolve(flags.svg ?? join(ROOT, 'tmp', `soak-${flags.seed}.svg`))
  await mkdir(dirname(svg), { recursive: true })
  const title = `Soak, ${duration(account.ranMs)}, ${account.strikes.length} faults, seed ${flags.seed}`
  await writeFile(svg, await chart(title, account.vitals, account.strikes))
  screen.say(summary(account))
  screen.say(`charts: ${svg}`)
}

/** What broke, when, what was done last, and where to look. */
function inWords(
  { message, found }: Breach,
  { account, dataFolder }: Soak,
  folder: string,
): string {
  const last = account.strikes.at(-1)
  return [
    '',
    `BREACH after ${duration(account.ranMs)}, found by ${message}:`,
    ...found.slice(0, 20).map(text => `  ${text}`),
    found.length > 20 ? `  and ${found.length - 20} more` : null,
    '',
    last
      ? `The last fault was ${last.name}, ${((account.ranMs - last.atMs) / 1_000).toFixed(1)} s before.`
      : 'There had been no fault yet.',
    `Kept as it was: ${folder} (data, logs, manifests), and the database in ${dataFolder}`,
    `Look at it:     npm run soak -- --look ${folder}`,
    `Do it again:    npm run soak -- --seed ${account.seed} and the same other flags`,
  ]
    .filter(line => line !== null)
    .join('\n')
}
