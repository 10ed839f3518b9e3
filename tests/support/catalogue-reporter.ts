import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node'
import { CATALOGUE, rowsOf, shortened } from './catalogue.ts'

interface Row {
  passed: number
  failed: number
  skipped: string[]
}

/**
 * Says at the end of a run which rows of the catalogue ran and passed, and which did not and why. A
 * whole run in which a row has no test at all fails; one that was skipped says its reason and does not.
 */
export class CatalogueReporter implements Reporter {
  readonly #elsewhere: Readonly<Record<number, string>>
  #vitest: Vitest | null = null
  #isWhole = true

  /** @param elsewhere rows that another suite causes, and which */
  constructor(elsewhere: Readonly<Record<number, string>> = {}) {
    this.#elsewhere = elsewhere
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  async onTestRunStart(files: readonly unknown[]): Promise<void> {
    const all = await this.#vitest!.globTestSpecifications()
    this.#isWhole = files.length === all.length && !this.#vitest!.config.testNamePattern
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<number, Row>()
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        for (const number of rowsOf(namesOf(test))) {
          const row = rows.get(number) ?? { passed: 0, failed: 0, skipped: [] }
          rows.set(number, row)
          count(test, row, this.#isWhole)
        }
      }
    }
    if (rows.size === 0) return
    for (const line of this.#told(rows)) console.log(line)
  }

  #told(rows: ReadonlyMap<number, Row>): string[] {
    const numbers = Object.keys(CATALOGUE).map(Number)
    const named = (number: number, what: string) => `  ${number} ${CATALOGUE[number]}: ${what}`
    const passed = numbers.filter(number => {
      const row = rows.get(number)
      return row && row.failed === 0 && row.passed > 0
    })
    const lines = [
      `\nCatalogue of faults: ${passed.length} of ${numbers.length} rows ran and passed: ${shortened(passed)}`,
    ]
    const missing: number[] = []
    for (const number of numbers) {
      const row = rows.get(number)
      if (row && row.failed > 0) lines.push(named(number, 'FAILED'))
      else if (row && row.skipped.length > 0)
        lines.push(
          named(
            number,
            `${row.passed === 0 ? 'did not run' : 'ran in part'}: ${[...new Set(row.skipped)].join('; ')}`,
          ),
        )
      else if (!row && this.#isWhole && this.#elsewhere[number] !== undefined)
        lines.push(named(number, `not run here: ${this.#elsewhere[number]}`))
      else if (!row) missing.push(number)
    }
    if (missing.length > 0 && this.#isWhole) {
      lines.push(`  without a test in this suite: ${shortened(missing)}`)
      process.exitCode = 1
    }
    return lines
  }
}

function namesOf(test: TestCase): string[] {
  const names = [test.name]
  for (let at = test.parent; at.type === 'suite'; at = at.parent) names.unshift(at.name)
  return names
}

// In part of a run most tests are skipped because nobody asked for them.
function count(test: TestCase, row: Row, isWhole: boolean): void {
  const result = test.result()
  if (result.state === 'passed') row.passed++
  else if (result.state === 'failed') row.failed++
  else if ('note' in result && result.note) row.skipped.push(result.note)
  else if (isWhole) row.skipped.push(namesOf(test).join(' > '))
}
