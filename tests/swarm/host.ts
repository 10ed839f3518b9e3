import { fileURLToPath } from 'node:url'
import { docker, execute, lines } from '../compose/docker.ts'

const HOSTS = fileURLToPath(new URL('../../../shared/docker/hosts', import.meta.url))

/** One machine of the Swarm, as far as tests can tell. */
export interface Host {
  readonly number: number
  readonly address: string
  /** Of its engine; null for the ordinary one. */
  readonly socket: string | null
  readonly enginePid: number | null
  /** Its network namespace; null for the ordinary one. */
  readonly namespace: string | null
}

/** `docker …` on that host. */
export function dockerOn(host: Host, ...args: string[]): Promise<string> {
  return docker(...(host.socket ? ['-H', host.socket] : []), ...args)
}

/** No packet to and from it, until healed. */
export const cutOff = (host: Host) => execute(HOSTS, ['cut', `${host.number}`])
export const heal = (host: Host) => execute(HOSTS, ['heal', `${host.number}`])

/** A slow line: what it sends takes its time, so that a COPY can be met in its middle. */
export async function throttle({ namespace }: Host): Promise<void> {
  const limit = ['tbf', 'rate', '10mbit', 'burst', '64kb', 'latency', '500ms']
  await execute('tc', ['-n', namespace!, 'qdisc', 'replace', 'dev', 'eth0', 'root', ...limit])
}

export async function unthrottle({ namespace }: Host): Promise<void> {
  await execute('tc', ['-n', namespace!, 'qdisc', 'del', 'dev', 'eth0', 'root'])
}

export function freezeEngine({ enginePid }: Host): void {
  process.kill(enginePid!, 'SIGSTOP')
}

export function thawEngine({ enginePid }: Host): void {
  process.kill(enginePid!, 'SIGCONT')
}

/**
 * Finds the plug. Pulling it ends all: no packet any more, and no process of that host lives on. There
 * is no way back.
 */
export async function plugOf(host: Host): Promise<() => Promise<void>> {
  const ids = lines(await dockerOn(host, 'ps', '-q', '--no-trunc'))
  const format = ['--format', '{{.State.Pid}}']
  const inContainers = lines(await dockerOn(host, 'inspect', ...format, ...ids))
  // A shim is no child of its engine; it is known by the container that it looks after.
  const shims = lines(await execute('pgrep', ['-f', `containerd-shim.*(${ids.join('|')})`]))
  const engine = await descendants(host.enginePid!)
  return async () => {
    await cutOff(host)
    for (const pid of [...engine, ...[...shims, ...inContainers].map(Number)]) killed(pid)
  }
}

async function descendants(pid: number): Promise<number[]> {
  const children = lines(await execute('sh', ['-c', 'pgrep -P "$1" || true', 'sh', `${pid}`]))
  return [pid, ...(await Promise.all(children.map(Number).map(descendants))).flat()]
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It went with another one of them.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Name and state of Swarm's node on that host, as the manager sees it. */
export async function nodeOf(host: Host): Promise<{ id: string; state: string }> {
  const ids = lines(await docker('node', 'ls', '-q'))
  const nodes: { ID: string; Status: { State: string; Addr: string } }[] = JSON.parse(
    await docker('node', 'inspect', ...ids),
  )
  const own = ({ Status }: (typeof nodes)[number]) => Status.Addr === host.address
  const found = nodes.length === 1 ? nodes[0]! : nodes.find(own)!
  return { id: found.ID, state: found.Status.State }
}
