import Table from 'cli-table3'
import type { Stored } from './commit.ts'
import type { Refusal } from './register.ts'

/** What one run did, counted from what was committed. */
export class Summary {
  readonly files: Record<string, number> = { done: 0, refused: 0, missing: 0 }
  readonly rejects: Record<string, number> = {}
  readonly refusals: string[] = []
  loaded = 0
  duplicate = 0
  rejected = 0
  bytes = 0
  readonly #startedAt: number

  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  add({ moves, rejects }: Stored): void {
    for (const { claim, next, ...move } of moves) {
      this.loaded += move.loaded
      this.duplicate += move.duplicate
      this.rejected += move.rejected
      this.bytes += move.to - move.from
      if (next.status === 'active' || next.status === 'pending') continue
      this.files[next.status]!++
      if (next.status !== 'done') this.refusals.push(`${claim.fileName}: ${next.message}`)
    }
    for (const { reason } of rejects) this.rejects[reason] = (this.rejects[reason] ?? 0) + 1
  }

  /** A file that was refused at sight. */
  refuse({ name, message }: Refusal): void {
    this.files.refused!++
    this.refusals.push(`${name}: ${message}`)
  }

  report(now: number) {
    const seconds = (now - this.#startedAt) / 1000
    const rows = this.loaded + this.duplicate + this.rejected
    return {
      files: this.files,
      rows: { read: rows, loaded: this.loaded, duplicate: this.duplicate, rejected: this.rejected },
      rejects: this.rejects,
      bytes: this.bytes,
      seconds: Number(seconds.toFixed(3)),
      rowsPerSecond: Math.round(rows / seconds),
      refusals: this.refusals,
    }
  }

  /** For a person, with thousands grouped. */
  table(now: number): string {
    const { files, rows, rejects, bytes, seconds, rowsPerSecond, refusals } = this.report(now)
    const table = new Table({
      style: { head: [], border: [] },
      colAligns: ['left', 'right'],
      chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    })
    const add = (label: string, value: number | string) =>
      table.push([label, typeof value === 'number' ? value.toLocaleString('en') : value])
    add('files done', files.done!)
    if (files.refused) add('files refused', files.refused)
    if (files.missing) add('files missing', files.missing)
    add('rows read', rows.read)
    add('  loaded', rows.loaded)
    add('  duplicate', rows.duplicate)
    add('  rejected', rows.rejected)
    for (const [reason, count] of Object.entries(rejects).sort(([, a], [, b]) => b - a))
      add(`    ${reason}`, count)
    add('bytes', bytes)
    add('seconds', seconds)
    add('rows per second', rowsPerSecond)
    const lines = refusals.slice(0, 20).map(refusal => `not loaded: ${refusal}`)
    if (refusals.length > lines.length) lines.push(`… and ${refusals.length - lines.length} more`)
    return [table.toString(), ...lines].join('\n')
  }
}
