/**
 * Places at which a test can have this process end itself with SIGKILL, by name. They are the
 * moments between which a crash must change nothing: see docs/architecture.md.
 */
export const FAILPOINTS = [
  'after-claim',
  'mid-read',
  'after-begin',
  'after-copy',
  'after-compare-and-set',
  'commit-sent',
  'after-commit',
  'before-archive',
  'archive-name-reserved',
  'after-archive-rename',
] as const

export type Failpoint = (typeof FAILPOINTS)[number]

/** Passing the armed point for the `passes`-th time is the end. Unarmed, it does nothing. */
export function armed(name: string | undefined, passes: number): (point: Failpoint) => void {
  let left = passes
  return point => {
    if (point === name && --left === 0) process.kill(process.pid, 'SIGKILL')
  }
}
