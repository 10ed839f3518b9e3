import type { Snapshot } from './snapshot.ts'

const SETBACKS: { of: (now: Snapshot) => number; text: string }[] = [
  {
    of: now => now.rowsRejected,
    text: 'Lines were rejected. Why:\n  npm run query -- "select line_no, error_message from user_activity_errors order by error_id desc limit 5"',
  },
  {
    of: now => now.filesRefused,
    text: `A file was refused. Why:\n  npm run query -- "select file_name, message from ingest_files where status = 'refused'"`,
  },
  {
    of: now => now.filesParked,
    text: `A file was set aside, as it made no progress in three attempts. Which:\n  npm run query -- "select file_name, message from ingest_files where status = 'parked'"`,
  },
]

/** What to look at when something goes wrong for the first time; each is told once. */
export function adviser(): (before: Snapshot, now: Snapshot) => string[] {
  const untold = new Set(SETBACKS)
  return (before, now) => {
    const due = [...untold].filter(({ of }) => of(now) > of(before))
    for (const setback of due) untold.delete(setback)
    return due.map(({ text }) => text)
  }
}
