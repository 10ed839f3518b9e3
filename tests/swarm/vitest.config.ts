import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['tests/swarm/**/*.test.ts'],
    globalSetup: ['tests/swarm/global-setup.ts'],
    setupFiles: ['tests/support/cleanup.ts'],
    // Each result as soon as it is there: the whole takes ten minutes.
    reporters: ['verbose'],
    pool: 'forks',
    // They share one Swarm.
    fileParallelism: false,
    // Swarm takes a quarter of a minute to notice that a host is gone.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
  },
})
