import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { docker } from '../compose/docker.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NAME = 'hot-folder-test-ingestor'

export const IMAGE = {
  first: `${NAME}:1`,
  /** The next release: another schema version. */
  next: `${NAME}:2`,
  /** A release that cannot start. */
  broken: `${NAME}:3`,
}

/** All that hosts of the Swarm run, the one that must be there included. */
export const IMAGES = ['postgres:15-bookworm', ...Object.values(IMAGE)]

export async function buildImages(): Promise<void> {
  await docker('build', '-q', '-t', IMAGE.first, '-f', `${ROOT}/Dockerfile.ingestor`, ROOT)
  const from = `FROM ${IMAGE.first}\n`
  await build(
    IMAGE.next,
    `${from}USER root\nRUN echo "comment on table user_activity is 'of the next release'" > sql/9000_next.sql\nUSER 1000:1000\n`,
  )
  await build(IMAGE.broken, `${from}ENTRYPOINT ["node", "-e", "process.exit(1)"]\n`)
}

function build(tag: string, dockerfile: string): Promise<void> {
  const building = spawn('docker', ['build', '-q', '-t', tag, '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  building.stdin.end(dockerfile)
  return new Promise((resolve, reject) =>
    building.on('exit', code => {
      if (code === 0) resolve()
      else reject(new Error(`docker build of ${tag} ended with ${code}`))
    }),
  )
}
