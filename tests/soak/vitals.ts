import { readdirSync, readFileSync } from 'node:fs'
import type { TestDatabase } from '../support/postgres.ts'
import type { Fleet } from './fleet.ts'

/** What one ingestor took at one moment. */
export interface Vital {
  readonly atMs: number
  readonly place: number
  readonly pid: number
  readonly memoryMiB: number
  readonly descriptors: number
  /** Null where the server did not answer. */
  readonly connections: number | null
}

/** Looks at every ingestor's memory, descriptors and connections, again and again. */
export class Vitals {
  readonly all: Vital[] = []
  readonly #fleet: Fleet
  readonly #database: TestDatabase
  readonly #clock: () => number
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(fleet: Fleet, database: TestDatabase, clock: () => number) {
    this.#fleet = fleet
    this.#database = database
    this.#clock = clock
  }

  start(everyMs: number): void {
    this.#timer = setInterval(() => void this.#look(), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const taken = this.#fleet.working.flatMap(({ number, life }) => {
        const used = life && usedBy(life.pid)
        return used ? [{ atMs: this.#clock(), place: number, pid: life.pid, ...used }] : []
      })
      const connections = await this.#connections()
      for (const vital of taken) {
        this.all.push({ ...vital, connections: connections && (connections.get(vital.pid) ?? 0) })
      }
    } finally {
      this.#looking = false
    }
  }

  async #connections(): Promise<Map<number, number> | null> {
    const counted = await this.#database
      .query<{ pid: string; n: number }>(
        `select split_part(application_name, ' ', 3) as pid, count(*)::int as n from pg_stat_activity
          where datname = current_database() and application_name like 'ingestor %' group by 1`,
      )
      .catch(() => null)
    return counted && new Map(counted.map(({ pid, n }) => [Number(pid), n]))
  }
}

function usedBy(pid: number): { memoryMiB: number; descriptors: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
    if (Number.isNaN(kib)) return null
    return { memoryMiB: kib / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    return null
  }
}
