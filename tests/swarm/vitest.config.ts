import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The last of the tests of hosts pulls a host's plug, so the stack, which wants all three, is first. */
class HostsLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLast = ({ moduleId }: TestSpecification) => moduleId.endsWith('/hosts.test.ts')
    return files.toSorted((one, other) => Number(isLast(one)) - Number(isLast(other)))
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('../../', import.meta.url)),
  test: {
    include: ['tests/swarm/**/*.test.ts'],
    globalSetup: ['tests/swarm/global-setup.ts'],
    setupFiles: ['tests/support/cleanup.ts'],
    // Each result as soon as it is there: the whole takes ten minutes.
    reporters: ['verbose'],
    pool: 'forks',
    // They share one Swarm.
    fileParallelism: false,
    sequence: { sequencer: HostsLast },
    // Swarm takes a quarter of a minute to notice that a host is gone.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
  },
})
