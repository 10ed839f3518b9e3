/** What the page is told. Types only: the server makes it, the page shows it. */

/** Times are milliseconds since 1970 by the database's clock. */
export interface Status {
  nowMs: number
  verdict: Verdict
  connection: Connection
  setup: Setup
  /** What was last seen; null until the database has answered once. */
  seen: Seen | null
}

/** What the commands that the page offers have to be. */
export interface Setup {
  by: 'docker' | 'npm'
  user: string
  database: string
}

export type Mood = 'good' | 'busy' | 'bad' | 'quiet'

/** "Keeping up: 0 files waiting, data is 1.4 s old" */
export interface Verdict {
  mood: Mood
  head: string
  details: string
}

export interface Connection {
  up: boolean
  fault: string | null
  retryInMs: number | null
  /** What the page is shown is this old. */
  seenAgoMs: number | null
}

export interface Seen {
  totals: Totals
  rates: Rates
  bottleneck: Bottleneck | null
  /** By whom and why; null while they work. */
  paused: { by: string; reason: string } | null
  ingestors: Ingestor[]
  files: RecentFile[]
  rejects: Rejects
  audit: Audit
}

export interface Totals {
  filesFound: number
  filesWaiting: number
  filesInWork: number
  filesSettling: number
  filesDone: number
  filesRefused: number
  filesMissing: number
  filesParked: number
  /** Of files that are waiting, in work or done. */
  bytesFound: number
  bytesRead: number
  bytesWaiting: number
  /** Of files in work, what is left to read or to commit. */
  bytesInWork: number
  oldestWaitingAtMs: number | null
  /** Counted from lines; what became of them is counted apart. */
  rowsRead: number
  rowsLoaded: number
  rowsDuplicate: number
  rowsRejected: number
  /** Read by an ingestor and not committed yet, as each last said. */
  rowsInFlight: number
  lastCommitAtMs: number | null
  lastFoundAtMs: number | null
}

/** Of the last seconds, each a second's worth. */
export interface Rates {
  rowsIn: number
  rowsLoaded: number
  rowsDuplicate: number
  rowsRejected: number
  bytesIn: number
  bytesRead: number
  filesIn: number
  filesDone: number
  /** Of the last few seconds only: whether a backlog grows. */
  trend: { bytesIn: number; bytesRead: number }
  /** From a file's arrival to its rows in the table, over the last minute; null without any. */
  freshness: { p50Ms: number; p95Ms: number; maxMs: number; files: number } | null
}

export interface Bottleneck {
  at: 'waiting' | 'work' | 'loaded'
  words: string
}

export interface Ingestor {
  owner: string
  state: 'working' | 'stopped' | 'silent'
  startedAtMs: number
  seenAtMs: number
  filesInWork: number
  rowsPerSecond: number
  /** Why it finds new files by listing the folder alone; null while it hears of them. */
  watchFault: string | null
}

export interface RecentFile {
  fileId: number
  name: string
  generation: number
  status: 'pending' | 'active' | 'done' | 'refused' | 'missing' | 'parked'
  message: string | null
  sizeBytes: number
  byteOffset: number
  rowsRead: number
  rowsLoaded: number
  rowsDuplicate: number
  rowsRejected: number
  ingestor: string | null
  discoveredAtMs: number
  startedAtMs: number | null
  loadedAtMs: number | null
  finishedAtMs: number | null
  archivedAtMs: number | null
}

export interface Rejects {
  groups: RejectGroup[]
  /** How many of the newest the groups are counted from, and whether those are all. */
  counted: number
  all: boolean
}

export interface RejectGroup {
  reason: string
  column: string | null
  rows: number
  newestAtMs: number
  samples: RejectSample[]
}

export interface RejectSample {
  file: string
  lineNo: number
  message: string
  /** The beginning of the line, in quotes, unprintable characters escaped. */
  line: string
}

/** The comparison of the checkpoint with the rows in the tables, which costs a look at all of them. */
export interface Audit {
  state: 'never' | 'agrees' | 'differs' | 'too large' | 'failed'
  atMs: number | null
  tookMs: number | null
  differences: { file: string | null; what: string; expected: number; found: number }[]
}

/** One second of the last 15 minutes; null where it is not known. */
export interface Point {
  /** Seconds since 1970. */
  t: number
  rowsIn: number | null
  rowsLoaded: number | null
  rowsRejected: number | null
  readMs: number | null
  judgeMs: number | null
  loadMs: number | null
  commitMs: number | null
  p50Ms: number | null
  p95Ms: number | null
  maxMs: number | null
  filesWaiting: number | null
  commitAgeS: number | null
}

export interface Marker {
  t: number
  kind: 'restart' | 'stop' | 'takeover' | 'refused' | 'parked' | 'outage'
  words: string
}

export interface History {
  points: Point[]
  markers: Marker[]
}

/** The events of `/api/stream`: all of the history to begin with, then each second what is new of it. */
export interface Tick {
  status: Status
  points: Point[]
  markers: Marker[]
}
