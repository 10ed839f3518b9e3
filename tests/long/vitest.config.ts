import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Suites that take minutes or gigabytes: `vitest run --config tests/long/vitest.config.ts`. */
export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['tests/long/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    setupFiles: ['tests/support/cleanup.ts'],
    pool: 'forks',
    fileParallelism: false,
    hookTimeout: 60_000,
  },
})
