import { docker, lines } from '../compose/docker.ts'
import { until } from '../support/until.ts'
import { dockerOn, type Host } from './host.ts'

/** Begins the name of all that a run makes. */
export const NAME = 'hot-folder-swarm-test'

/** Stacks, secrets and volumes of this run and of runs that were killed. */
export async function removeLeftovers(hosts: readonly Host[]): Promise<void> {
  const ours = ['--filter', `name=${NAME}-`]
  // Networks go last, and only when no task is left in them: Swarm wants to be told again.
  await until('the stacks to be gone', removedStacks, 90_000)
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

async function removedStacks(): Promise<boolean> {
  const names = lines(await docker('stack', 'ls', '--format', '{{.Name}}'))
  const networks = lines(await docker('network', 'ls', '--format', '{{.Name}}'))
  const ours = [...names, ...networks.map(name => name.replace(/_[^_]*$/, ''))]
  const left = new Set(ours.filter(name => name.startsWith(NAME)))
  for (const name of left) await docker('stack', 'rm', name).catch(() => undefined)
  return left.size === 0
}

function isAlive({ enginePid }: Host): boolean {
  try {
    return enginePid === null || process.kill(enginePid, 0)
  } catch {
    return false
  }
}
