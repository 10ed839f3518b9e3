/**
 * Preloaded (`node --import`) into a service that was started with an IPC channel: the service stops
 * in order when its parent has gone, however it went, and needs to know nothing of it.
 */
const GRACE_MS = 5_000

process.once('disconnect', () => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref()
  process.kill(process.pid, 'SIGTERM')
})

// The channel alone is no reason to stay.
process.channel?.unref()
