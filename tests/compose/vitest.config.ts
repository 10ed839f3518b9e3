import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['tests/compose/**/*.test.ts'],
    globalSetup: ['tests/compose/global-setup.ts'],
    setupFiles: ['tests/support/cleanup.ts'],
    pool: 'forks',
    // Each stack is a PostgreSQL and several services: one at a time.
    fileParallelism: false,
    // The first one builds the images.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
  },
})
