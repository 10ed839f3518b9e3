import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The command that renders a folder, which comes as its last argument; null where there is none. */
    kustomize: readonly string[] | null
    /** The path of `kubernetes-validate`, which brings the schemas along; null where there is none. */
    validator: string | null
  }
}

const VALIDATOR = 'kubernetes-validate==1.37.0'
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/kubernetes', import.meta.url))
const run = promisify(execFile)

export default async function setup(project: TestProject): Promise<void> {
  const kustomize = await firstThatRuns([
    [['kustomize', 'build'], ['version']],
    [
      ['kubectl', 'kustomize'],
      ['version', '--client'],
    ],
  ])
  project.provide('kustomize', kustomize)
  if (!kustomize) console.log('skipped: the manifests are not rendered (no kustomize, no kubectl)')
  const validator = await findValidator()
  project.provide('validator', validator)
  if (!validator) console.log(`skipped: the schemas are not asked (${VALIDATOR} is not to be had)`)
  console.log('not run: a cluster; there is none in any of the tests')
}

async function firstThatRuns(candidates: [command: string[], probe: string[]][]) {
  for (const [command, probe] of candidates) {
    if (await runs(command[0]!, probe)) return command
  }
  return null
}

async function findValidator(): Promise<string | null> {
  const cached = `${CACHE}/bin/kubernetes-validate`
  for (const path of ['kubernetes-validate', cached])
    if (await runs(path, ['--version'])) return path
  const made =
    (await runs('python3', ['-m', 'venv', CACHE])) &&
    (await runs(`${CACHE}/bin/pip`, ['install', '--quiet', VALIDATOR]))
  return made ? cached : null
}

function runs(program: string, args: string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  )
}
