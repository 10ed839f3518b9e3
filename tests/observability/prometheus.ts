import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { atTestEnd } from '../support/cleanup.ts'
import { until } from '../support/until.ts'
import { DEPLOY } from './board.ts'

export interface Prometheus {
  /** The one value of a query; undefined where it has none. */
  query(expr: string): Promise<number | undefined>
  /** All series of a query. @throws what Prometheus has against it */
  series(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>
  rules(): Promise<{ name: string; health: string; state: string }[]>
}

/**
 * A real Prometheus with the configuration of `deploy/`, rules included, but for two things: ingestors are
 * named instead of found, and looked at every half second. Ended with the test.
 */
export async function startPrometheus(
  folder: string,
  metricsPorts: readonly number[],
): Promise<Prometheus> {
  const port = await freePort()
  const config = join(folder, 'prometheus.yml')
  await mkdir(join(folder, 'prometheus'))
  const deployed = await readFile(join(DEPLOY, 'prometheus', 'prometheus.yml'), 'utf8')
  const targets = metricsPorts.map(port => `'127.0.0.1:${port}'`).join(', ')
  await writeFile(
    config,
    deployed
      .replace(/scrape_interval: .*/, 'scrape_interval: 500ms\n  scrape_timeout: 500ms')
      .replace(/evaluation_interval: .*/, 'evaluation_interval: 500ms')
      .replace(/dns_sd_configs:[\s\S]*/, `static_configs: [{ targets: [${targets}] }]\n`),
  )
  await copyFile(join(DEPLOY, 'prometheus', 'rules.yml'), join(folder, 'rules.yml'))
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  atTestEnd(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    const { data, error } = (await response.json()) as { data: never; error?: string }
    if (error) throw new Error(`${path}: ${error}`)
    return data
  }
  const series = async (expr: string) => {
    const { result } = await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)
    return result as { metric: Record<string, string>; value: [number, string] }[]
  }
  await until(
    'Prometheus',
    () =>
      fetch(`http://127.0.0.1:${port}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    20_000,
  )
  return {
    async query(expr) {
      const [first] = await series(expr)
      return first && Number(first.value[1])
    },
    series,
    async rules() {
      const { groups } = (await ask('/api/v1/rules')) as { groups: { rules: never[] }[] }
      return groups.flatMap(({ rules }) => rules)
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Whether a program is there. */
export function installed(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
