import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** How often each random fault is caused in the long run (`npm run test:faults`); hours on two cores. */
const REPETITIONS = {
  TEST_CRASHES_AT_EACH_POINT: '100',
  TEST_KILLS: '525',
  TEST_TERMINATIONS: '500',
  TEST_SERVER_CRASHES: '100',
  TEST_REPEATS: '300',
  TEST_FREEZES: '50',
}

const given = Object.entries(REPETITIONS).map(([name, usual]) => [name, process.env[name] ?? usual])

export default defineConfig({
  test: {
    ...base.test,
    include: ['tests/{faults,database}/**/*.test.ts'],
    env: { ...Object.fromEntries(given), TEST_LONG: 'yes' },
  },
})
