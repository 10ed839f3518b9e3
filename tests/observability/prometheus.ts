import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { atTestEnd } from '../support/cleanup.ts'
import { until } from '../support/until.ts'

export interface Prometheus {
  /** The one value of a query; undefined where it has none. */
  query(expr: string): Promise<number | undefined>
  rules(): Promise<{ name: string; health: string; state: string }[]>
}

/** A real Prometheus that scrapes one ingestor every half second; ended with the test. */
export async function startPrometheus(
  folder: string,
  metricsPort: number,
  rules: string,
): Promise<Prometheus> {
  const port = await freePort()
  const config = join(folder, 'prometheus.yml')
  await mkdir(join(folder, 'prometheus'))
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: [rules],
      scrape_configs: [
        { job_name: 'ingestor', static_configs: [{ targets: [`127.0.0.1:${metricsPort}`] }] },
      ],
    }),
  )
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
    return (await response.json()) as { data: never }
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
      const { data } = await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)
      const { result } = data as { result: { value: [number, string] }[] }
      return result[0] && Number(result[0].value[1])
    },
    async rules() {
      const { data } = await ask('/api/v1/rules')
      return (data as { groups: { rules: never[] }[] }).groups.flatMap(({ rules }) => rules)
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
