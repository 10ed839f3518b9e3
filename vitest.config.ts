import { defineConfig } from 'vitest/config'
import { CatalogueReporter } from './tests/support/catalogue-reporter.ts'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Suites that need Docker, a tool of others or hours have a configuration of their own.
    exclude: [
      'tests/compose/**',
      'tests/swarm/**',
      'tests/kubernetes/**',
      'tests/browser/**',
      'tests/long/**',
      'node_modules/**',
    ],
    reporters: ['default', new CatalogueReporter({ 16: 'npm run test:faults' })],
    globalSetup: ['tests/support/global-setup.ts'],
    setupFiles: ['tests/support/cleanup.ts'],
    pool: 'forks',
    // A test's own services and the server's backends want a core as well.
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 30_000,
  },
})
