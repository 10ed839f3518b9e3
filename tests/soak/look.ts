import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres } from '../../services/local/postgres.ts'
import type { Screen } from '../../services/local/screen.ts'
import { EXIT } from '../../services/runtime/command.ts'
import { ConfigurationError } from '../../services/runtime/env.ts'

/** Starts the server of a run that ended with a breach, until stopped. */
export async function lookAt(folder: string, screen: Screen, stop: AbortSignal): Promise<number> {
  const data = join(folder, 'postgres')
  await access(data).catch(() => {
    throw new ConfigurationError([
      `--look: expected the folder that a soak has kept, found no ${data}`,
    ])
  })
  const server = await startPostgres({ folder: data, user: 'tester', port: 0, prefer: 'system' })
  const { user, password, host, port } = server
  screen.say(`psql postgres://${user}:${password}@${host}:${port}/events`)
  screen.say('Ctrl-C stops it.')
  if (!stop.aborted)
    await new Promise(resolve => stop.addEventListener('abort', resolve, { once: true }))
  await server.stop()
  return EXIT.ok
}
