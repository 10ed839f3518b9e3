/** Judged `unfinished` by the contract, so that even one folder for both would show no half file. */
const DRAFT_SUFFIX = '.part'
const DRAFT = /^events_\d{8}T\d{9}Z_[0-9a-z]{6}_\d{6,}\.csv\.part$/

/** `events_20260102T071522123Z_k3f9x2_000001.csv`: sorts by time, and no run uses it again. */
export function fileName(micros: number, runId: string, sequence: number): string {
  const time = new Date(micros / 1000).toISOString().replace(/[-:.]/g, '')
  return `events_${time}_${runId}_${String(sequence).padStart(6, '0')}.csv`
}

export function draftName(name: string): string {
  return name + DRAFT_SUFFIX
}

export function isDraftName(name: string): boolean {
  return DRAFT.test(name)
}
