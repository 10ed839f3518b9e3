import { docker, lines } from './docker.ts'

const LABEL = 'com.docker.compose.project'

/** Names of all Compose projects that have a container. */
export async function projects(): Promise<Set<string>> {
  return new Set(lines(await docker('ps', '-a', '--format', `{{.Label "${LABEL}"}}`)))
}

/** Removes whatever carries the project's label, whether or not its compose file is still there. */
export async function removeProject(name: string): Promise<void> {
  const removeAll = async (list: string[], remove: string[]) => {
    const found = new Set(lines(await docker(...list, '-q', '--filter', `label=${LABEL}=${name}`)))
    if (found.size > 0) await docker(...remove, ...found)
  }
  await removeAll(['ps', '-a'], ['rm', '-f', '-v'])
  await removeAll(['volume', 'ls'], ['volume', 'rm'])
  await removeAll(['network', 'ls'], ['network', 'rm'])
  await removeAll(['image', 'ls'], ['image', 'rm', '-f'])
}
