const OURS = ['localhost', '127.0.0.1', '[::1]']

/**
 * Whether a request was meant for this page. A browser that was led here under a name of somebody
 * else's (DNS rebinding) says that name.
 */
export function isOurs(hostHeader: string | undefined, allowed: readonly string[]): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(hostHeader ?? '')?.[1]?.toLowerCase()
  return name !== undefined && [...OURS, ...allowed].includes(name)
}
