import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { docker, execute, lines } from '../compose/docker.ts'
import type { Host } from './host.ts'
import { buildImages, IMAGES } from './images.ts'
import { removeLeftovers } from './remove.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The hosts of the Swarm, the manager first; none where there is no engine. */
    hosts: Host[]
  }
}

/** Makes several Docker hosts on this machine, where somebody has laid it there. */
const HOSTS = fileURLToPath(new URL('../../../shared/docker/hosts', import.meta.url))

/** A Swarm for the whole run: of three hosts where there is a way to get them, else of this one. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const missing = await reasonToSkip()
  if (missing !== undefined) {
    console.log(`skipped: the Swarm suite needs Docker without a Swarm of its own (${missing})`)
    return project.provide('hosts', [])
  }
  await buildImages()
  const swarm = existsSync(HOSTS) && process.getuid!() === 0 ? await threeHosts() : await oneHost()
  project.provide('hosts', swarm.hosts)
  return async () => {
    await removeLeftovers(swarm.hosts).finally(swarm.leave)
  }
}

async function oneHost() {
  console.log(`skipped: what needs three hosts (expected root, and ${HOSTS})`)
  await docker('swarm', 'init', '--advertise-addr', '127.0.0.1')
  const host: Host = {
    number: 1,
    address: '127.0.0.1',
    socket: null,
    enginePid: null,
    namespace: null,
  }
  return { hosts: [host], leave: () => docker('swarm', 'leave', '--force') }
}

async function threeHosts() {
  const hosts = lines(await execute(HOSTS, ['up', '3', ...IMAGES])).map(asHost)
  // Docker has the kernel drop what is forwarded, and packets between two of its bridge's hosts are.
  const [{ dev }] = JSON.parse(await execute('ip', ['-json', 'route', 'get', hosts[1]!.address]))
  const rule = ['DOCKER-USER', '-i', dev, '-o', dev, '-j', 'ACCEPT']
  await execute('iptables', ['-I', ...rule])
  const leave = async () => {
    await execute('iptables', ['-D', ...rule])
    await execute(HOSTS, ['down'])
  }
  return { hosts, leave }
}

async function reasonToSkip(): Promise<string | undefined> {
  try {
    const state = await docker('info', '--format', '{{.Swarm.LocalNodeState}}')
    return state.trim() === 'inactive' ? undefined : `its Swarm is ${state.trim()}`
  } catch (error) {
    return lines((error as Error).message).at(-1)
  }
}

function asHost(line: string): Host {
  const [number, address, socket, namespace, pid] = line.split(' ') as [string, ...string[]]
  return {
    number: Number(number),
    address: address!,
    socket: namespace === '-' ? null : `unix://${socket}`,
    namespace: namespace === '-' ? null : namespace!,
    enginePid: Number(pid),
  }
}
