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
    // One Swarm at a time: `npm run test:swarm` makes a new one for each file, since the overlay network of a
    // second stack in the same one has been dumb now and then.
    fileParallelism: false,
    // Swarm takes a quarter of a minute to notice that a host is gone.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
  },
})
