import { docker, lines } from '../compose/docker.ts'
import { until } from '../support/until.ts'
import { dockerOn, type Host } from './host.ts'

/** Begins the name of all that a run makes. */
export const NAME = 'hot-folder-swarm-test'

/** Stacks, secrets and volumes of this run and of runs that were killed. */
export async function removeLeftovers(hosts: readonly Host[]): Promise<void> {
  const ours = ['--filter', `name=${NAME}-`]
  const stacks = lines(await docker('stack', 'ls', '--format', '{{.Name}}'))
  for (const stack of stacks.filter(it => it.startsWith(NAME))) await docker('stack', 'rm', stack)
  const secrets = lines(await docker('secret', 'ls', '-q', ...ours))
  if (secrets.length > 0) await docker('secret', 'rm', ...secrets)
  const labelled = 'label=com.docker.stack.namespace'
  for (const host of hosts.filter(isAlive)) {
    await until(
      'the stack’s containers to be gone',
      async () => {
        const left = await dockerOn(host, 'ps', '-a', '-q', '--filter', labelled)
        return left === '' || null
      },
      90_000,
    )
    const volumes = lines(await dockerOn(host, 'volume', 'ls', '-q', ...ours))
    if (volumes.length > 0) await dockerOn(host, 'volume', 'rm', ...volumes)
  }
}

function isAlive({ enginePid }: Host): boolean {
  try {
    return enginePid === null || process.kill(enginePid, 0)
  } catch {
    return false
  }
}
