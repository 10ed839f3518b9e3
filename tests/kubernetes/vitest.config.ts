import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['tests/kubernetes/**/*.test.ts'],
    globalSetup: ['tests/kubernetes/global-setup.ts'],
    setupFiles: ['tests/support/cleanup.ts'],
    testTimeout: 60_000,
  },
})
