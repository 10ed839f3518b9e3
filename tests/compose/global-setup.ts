import type { TestProject } from 'vitest/node'
import { isAlive } from '../../services/local/processes.ts'
import { docker, lines } from './docker.ts'
import { projects, removeProject } from './remove.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Whether there is a Docker engine with Compose v2. */
    engine: boolean
    /** Begins every Compose project of this run. */
    run: string
  }
}

const RUN = 'hot-folder-test'

/** Finds out whether there is an engine, and sweeps up after runs that were killed. */
export default async function setup(project: TestProject): Promise<void> {
  const run = `${RUN}-${process.pid}`
  const missing = await reasonToSkip()
  project.provide('engine', missing === undefined)
  project.provide('run', run)
  if (missing !== undefined) {
    console.log(`skipped: the compose suite needs Docker with Compose v2 (${missing})`)
  } else {
    await removeLeftovers()
  }
}

async function reasonToSkip(): Promise<string | undefined> {
  try {
    await docker('version', '--format', '{{.Server.Version}}')
    await docker('compose', 'version')
    return undefined
  } catch (error) {
    return lines((error as Error).message).at(-1)
  }
}

/** A run that was killed leaves all that it started behind. */
async function removeLeftovers(): Promise<void> {
  for (const name of await projects()) {
    const pid = new RegExp(`^${RUN}-(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) await removeProject(name)
  }
}
