import { flushed, withFresh } from '../clean-start.ts'
import type { DataDir } from '../folders.ts'
import type { MadeFile, MadeFolder } from '../made.ts'
import type { Bench, Sample, Side } from '../question.ts'
import type { Database } from '../stand.ts'

export interface Job {
  readonly bench: Bench
  readonly database: Database
  readonly data: DataDir
  readonly what: MadeFile | MadeFolder
}

const TRIAL_ROWS = 1_000

/** A tool that loads the same rows into the same table. None of them installs anything. */
export interface Peer {
  readonly name: string
  /** What to install, for a person: see bench/peers/README.md for the commands. */
  readonly needs: string
  /** It cannot make up `file_id` and `line_no`: it takes a file that has them. */
  readonly takesLineage: boolean
  /** What is installed, with its version; undefined where it is not. */
  version(peersDir: string): Promise<string | undefined>
  load(job: Job): Promise<Sample>
}

/** The peer on a clean start; afterwards the table must hold every row. */
export function peerSide(bench: Bench, peer: Peer, what: MadeFile | MadeFolder): Side {
  return {
    name: peer.name,
    run: () =>
      withFresh(bench, async (database, data) => {
        await flushed(bench)
        const sample = await peer.load({ bench, database, data, what })
        await database.expectRows(what.loads)
        return sample
      }),
  }
}

/**
 * Those that are there and can load a thousand rows, and what is to be said of the others: one that
 * is broken must not cost the answer about all of them.
 */
export async function installed(peers: readonly Peer[], bench: Bench) {
  const trial = await bench.made.plain(TRIAL_ROWS)
  const lineage = await bench.made.withLineage(trial)
  const working: Peer[] = []
  const versions: string[] = []
  const skipped: string[] = []
  for (const peer of peers) {
    const version = await peer.version(bench.peersDir)
    const fault = version
      ? await faultIn(peerSide(bench, peer, peer.takesLineage ? lineage : trial))
      : `not installed; it needs ${peer.needs}`
    if (version && fault === undefined) {
      working.push(peer)
      versions.push(version)
    } else {
      skipped.push(`${peer.name}: ${fault}`)
      bench.say(`  skipped: ${peer.name}: ${fault}`)
    }
  }
  return { peers: working, versions, skipped }
}

async function faultIn({ run }: Side): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return `it fails (${(error as Error).message.trim().split('\n').at(-1)})`
  }
}
