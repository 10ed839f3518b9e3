import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningService } from '../support/process.ts'

/** The most memory that a process has had resident while it ran, in MiB; Linux only. */
export async function peakMemory(service: RunningService, deadlineMs = 60_000) {
  let peakMiB = 0
  const ended = service.exit(deadlineMs).then(exit => ({ ...exit, peakMiB }))
  let running = true
  ended
    .finally(() => {
      running = false
    })
    .catch(() => {})
  while (running) {
    try {
      const status = readFileSync(`/proc/${service.pid}/status`, 'latin1')
      peakMiB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 || peakMiB
    } catch {}
    await sleep(10)
  }
  return { ...(await ended), peakMiB }
}
