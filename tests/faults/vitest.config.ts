import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'
import { CatalogueReporter } from '../support/catalogue-reporter.ts'

/** How often each random fault is caused in a long run: an hour and a half on two cores. */
const LONG_RUN = {
  TEST_CRASHES_AT_EACH_POINT: 100,
  TEST_KILLS: 525,
  TEST_TERMINATIONS: 500,
  TEST_SERVER_CRASHES: 100,
  TEST_REPEATS: 300,
  TEST_FREEZES: 50,
  TEST_STORMS: 10,
  TEST_MODEL_RUNS: 200,
  TEST_FUZZ_FILES: 20_000,
  TEST_AGREEMENTS: 5_000,
}

/** The part of a long run to do. */
const SHARE = Number(process.env.TEST_SHARE ?? 0.1)
if (!(SHARE > 0))
  throw new Error(`TEST_SHARE: expected a number above 0, found "${process.env.TEST_SHARE}"`)

/** What else there is of the catalogue. */
const ELSEWHERE = [
  'tests/generator/interruption.test.ts',
  'tests/long/gigabyte-line.test.ts',
  'tests/long/tiny-files.test.ts',
]

const given = Object.entries(LONG_RUN).map(([name, often]) => [
  name,
  process.env[name] ?? String(Math.ceil(often * SHARE)),
])

export default defineConfig({
  test: {
    ...base.test,
    include: ['tests/{faults,database,ingestor}/**/*.test.ts', ...ELSEWHERE],
    exclude: ['node_modules/**'],
    reporters: ['default', new CatalogueReporter()],
    env: { ...Object.fromEntries(given), TEST_LONG: 'yes', TEST_FUZZ_ROWS: '250' },
  },
})
