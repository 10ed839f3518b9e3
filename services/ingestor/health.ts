import { access, constants } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Pool } from '../runtime/database.ts'
import { requireSchema } from '../runtime/migrations.ts'
import type { Config } from './config.ts'
import type { Metrics } from './metrics.ts'

/** What stands in the way of ingesting, by what it is about; empty when fit. */
export class Faults {
  readonly #faults = new Map<string, string>()

  report(about: string, fault: string | null): void {
    if (fault === null) this.#faults.delete(about)
    else this.#faults.set(about, fault)
  }

  get all(): Record<string, string> {
    return Object.fromEntries(this.#faults)
  }
}

/** Checks anew what readiness stands on: the database, its schema, and the folders. */
export async function checkFitness(pool: Pool, config: Config): Promise<Record<string, string>> {
  const faults: Record<string, string> = {}
  await requireSchema(pool).catch(error => {
    faults.database = error.message
  })
  for (const folder of [config.inputDir, config.archiveDir, config.refusedDir]) {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK).catch(error => {
      faults[folder] = `expected a folder that can be read and written, found ${error.code}`
    })
  }
  return faults
}

/**
 * `/livez` touches nothing; `/readyz` answers 503 with the reasons until all is fit; `/metrics` is
 * for Prometheus.
 */
export async function serveHealth(
  config: Config,
  pool: Pool,
  faults: Faults,
  metrics: Metrics,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const send = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type }).end(body)
    switch (request.url) {
      case '/livez':
        return send(200, 'text/plain', 'ok\n')
      case '/readyz': {
        const found = { ...(await checkFitness(pool, config)), ...faults.all }
        const fit = Object.keys(found).length === 0
        return send(
          fit ? 200 : 503,
          'application/json',
          `${JSON.stringify({ ready: fit, faults: found })}\n`,
        )
      }
      case '/metrics':
        return send(200, metrics.registry.contentType, await metrics.scraped())
      default:
        return send(404, 'text/plain', 'expected /livez, /readyz or /metrics\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.metricsPort, config.metricsHost, resolve)
  })
  return server
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
