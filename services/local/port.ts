import { once } from 'node:events'
import { createServer } from 'node:net'

export const LOOPBACK = '127.0.0.1'

/** The wanted port where nobody listens on it, else any free one; 0 wants any. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryListen(wanted)) ?? (await tryListen(0)) ?? wanted
}

export async function isFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== undefined
}

async function tryListen(port: number): Promise<number | undefined> {
  const server = createServer().listen(port, LOOPBACK)
  try {
    await once(server, 'listening')
    return (server.address() as { port: number }).port
  } catch {
    return undefined
  } finally {
    server.close()
  }
}
