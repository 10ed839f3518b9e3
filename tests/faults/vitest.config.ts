import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'
import { CatalogueReporter } from '../support/catalogue-reporter.ts'

/** How often each random fault is caused in the long run (`npm run test:faults`); hours on two cores. */
const REPETITIONS = {
  TEST_CRASHES_AT_EACH_POINT: '100',
  TEST_KILLS: '525',
  TEST_TERMINATIONS: '500',
  TEST_SERVER_CRASHES: '100',
  TEST_REPEATS: '300',
  TEST_FREEZES: '50',
  TEST_STORMS: '10',
  TEST_MODEL_RUNS: '200',
  TEST_FUZZ_FILES: '20000',
  TEST_FUZZ_ROWS: '250',
  TEST_AGREEMENTS: '5000',
}

/** What else there is of the catalogue. */
const ELSEWHERE = [
  'tests/generator/interruption.test.ts',
  'tests/long/gigabyte-line.test.ts',
  'tests/long/tiny-files.test.ts',
]

const given = Object.entries(REPETITIONS).map(([name, usual]) => [name, process.env[name] ?? usual])

export default defineConfig({
  test: {
    ...base.test,
    include: ['tests/{faults,database,ingestor}/**/*.test.ts', ...ELSEWHERE],
    exclude: ['node_modules/**'],
    reporters: ['default', new CatalogueReporter()],
    env: { ...Object.fromEntries(given), TEST_LONG: 'yes' },
  },
})
