import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'
import { MUTANTS, type Mutant } from './mutants.ts'

/**
 * `npm run test:mutants [-- name …]`: puts each fault into a copy of the program, one at a time, and
 * runs the tests that are there to see it. Exit 1 where a fault went unseen.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PARTS = ['services', 'sql', 'tests', 'package.json', 'vitest.config.ts', 'tsconfig.json']

interface Verdict {
  caught: boolean
  by: string
}

const wanted = process.argv.slice(2)
const mutants = MUTANTS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const copy = await mkdtemp(join(tmpdir(), 'hot-folder-mutants-'))
try {
  for (const part of PARTS) await cp(join(ROOT, part), join(copy, part), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  await requireGreen([...new Set(mutants.flatMap(({ tests }) => tests))])
  const table = new Table({ head: ['mutant', 'what it does', 'caught', 'by'], style: { head: [] } })
  let unseen = 0
  for (const mutant of mutants) {
    const { caught, by } = await judge(mutant)
    if (!caught) unseen++
    console.log(`${caught ? 'caught' : 'UNSEEN'}: ${mutant.name} (${by})`)
    table.push([mutant.name, mutant.fault, caught ? 'yes' : 'NO', by])
  }
  console.log(table.toString())
  console.log(`${mutants.length - unseen} of ${mutants.length} caught`)
  process.exitCode = unseen === 0 ? 0 : 1
} finally {
  await rm(copy, { recursive: true, force: true })
}

/** A test that is red without any mutant would catch them all. */
async function requireGreen(tests: string[]): Promise<void> {
  const failures = await redTests(tests)
  if (failures.length > 0) {
    const told = failures.map(({ name, message }) => `${name}\n${message}`)
    throw new Error(`red without a mutant: ${told.join('\n')}`)
  }
}

async function judge({ file, edits, tests }: Mutant): Promise<Verdict> {
  const path = join(copy, file)
  const sound = await readFile(path, 'utf8')
  let text = sound
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) {
      return { caught: false, by: `${file} has no single ${JSON.stringify(from)} any more` }
    }
    text = text.replace(from, () => to)
  }
  await writeFile(path, text)
  try {
    const [first] = await redTests(tests)
    return first ? { caught: true, by: first.name } : { caught: false, by: 'all tests are green' }
  } finally {
    await writeFile(path, sound)
  }
}

interface Failure {
  name: string
  message: string
}

/** @returns the tests that fail; the run stops at the first */
async function redTests(tests: string[]): Promise<Failure[]> {
  const output = join(copy, 'report.json')
  await rm(output, { force: true })
  const reporting = ['--reporter=json', `--outputFile=${output}`]
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--bail=1', ...reporting, ...tests]
  const { TEST_SEED = '1' } = process.env
  const said = await new Promise<string>(resolve =>
    execFile(
      process.execPath,
      args,
      { cwd: copy, env: { ...process.env, TEST_SEED }, maxBuffer: 1 << 28 },
      (_, stdout, stderr) => resolve(`${stdout}${stderr}`),
    ),
  )
  const report = JSON.parse(await readFile(output, 'utf8').catch(() => unreadable(said)))
  const suites: { message: string; assertionResults: Reported[] }[] = report.testResults
  const failed = suites.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({
        name: fullName,
        message: failureMessages.join('\n'),
      })),
  )
  // A copy that cannot even be loaded proves nothing.
  if (failed.length === 0 && !report.success) {
    const messages = suites.map(({ message }) => message).filter(message => message !== '')
    throw new Error(`the tests did not run: ${messages.join('; ') || said.slice(-2000)}`)
  }
  return failed
}

interface Reported {
  status: string
  fullName: string
  failureMessages: string[]
}

function unreadable(said: string): never {
  throw new Error(`the tests wrote no report: ${said.slice(-2000)}`)
}
