import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The command that renders a folder, which comes as its last argument; null where there is none. */
    kustomize: readonly string[] | null
    /** Where `python` and `kubernetes-validate` are, which brings the schemas along; null where there is none. */
    validators: string | null
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
  const validators = await findValidators()
  project.provide('validators', validators)
  if (!validators)
    console.log(`skipped: the manifests are not judged (${VALIDATOR} is not to be had)`)
  console.log('not run: a cluster; there is none in any of the tests')
}

async function firstThatRuns(candidates: [command: string[], probe: string[]][]) {
  for (const [command, probe] of candidates) {
    if (await runs(command[0]!, probe)) return command
  }
  return null
}

/** Out of Python's registry, once: the schemas are 100 MB, too much for a dependency of everyone's. */
async function findValidators(): Promise<string | null> {
  const bin = `${CACHE}/bin`
  const found =
    (await runs(`${bin}/kubernetes-validate`, ['--version'])) ||
    ((await runs('python3', ['-m', 'venv', CACHE])) &&
      (await runs(`${bin}/pip`, ['install', '--quiet', VALIDATOR])))
  return found ? bin : null
}

function runs(program: string, args: string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  )
}
