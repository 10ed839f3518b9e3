import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))

const SCRIPT = /^exec node (?<args>.+)$/

/** How a service is started: as package.json says, so that what users run is what is measured. */
export async function service(
  script: 'ingest' | 'generate',
): Promise<{ command: string; args: string[] }> {
  const { scripts } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8'))
  const args = SCRIPT.exec(scripts[script])?.groups?.args
  if (args === undefined) throw new Error(`package.json: scripts.${script}: expected ${SCRIPT}`)
  return {
    command: process.execPath,
    args: args.split(' ').map(arg => (arg.startsWith('services/') ? ROOT + arg : arg)),
  }
}
