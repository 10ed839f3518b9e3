import { setTimeout as sleep } from 'node:timers/promises'
import { lines } from '../compose/docker.ts'
import { dockerOn, type Host } from './host.ts'
import type { Stack } from './stack.ts'

const PAUSE_MS = 50

/** Looks again and again how many servers of the stack's PostgreSQL run on a host, until stopped. */
export function countServers(stack: Stack, host: Host) {
  const stop = new AbortController()
  let looks = 0
  let most = 0
  const running = (async () => {
    while (!stop.signal.aborted) {
      most = Math.max(most, await serversOn(stack, host))
      looks++
      await sleep(PAUSE_MS)
    }
  })()
  return {
    /** @returns how often was looked, and how many there were at most */
    async stop() {
      stop.abort()
      await running
      return { looks, most }
    },
  }
}

async function serversOn(stack: Stack, host: Host): Promise<number> {
  const service = `label=com.docker.swarm.service.name=${stack.name}_postgres`
  const ids = lines(await dockerOn(host, 'ps', '-q', '--filter', service))
  const processes = await Promise.all(
    // A container that has ended meanwhile has no server.
    ids.map(id => dockerOn(host, 'top', id, '-o', 'pid,args').catch(() => '')),
  )
  // The one process that every server has once and starts as soon as it has its files.
  return processes.filter(text => text.includes('checkpointer')).length
}
