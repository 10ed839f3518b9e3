import { open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../support/chance.ts'
import type { Folders } from '../support/folders.ts'
import { type Life, startLife } from '../support/life.ts'
import { type MadeFile, makeFile } from '../support/made-file.ts'
import { Breach } from './breach.ts'

/** Of what a generator writes, so much is spoiled, and so much is there twice. */
const BAD_RATE = '0.03'
const DUPLICATE_RATE = '0.03'

export interface Source {
  folders: Folders
  /** For answer keys and logs. */
  manifests: string
  logs: string
  eventsPerSecond: number
  chance: Chance
  onBreach: (breach: Breach) => void
}

/** What was written since the last proof. */
export interface Written {
  manifests: string[]
  made: MadeFile[]
}

/** Everything that puts files into the folder, and the answer keys of what it put there. */
export class Load {
  readonly #source: Source
  #written: Written = { manifests: [], made: [] }
  #steady: Life | undefined
  #runs = 0
  #files = 0

  constructor(source: Source) {
    this.#source = source
  }

  /** The generator that writes all the time. */
  start(): void {
    const { eventsPerSecond } = this.#source
    const life = this.#generate('--rate', String(eventsPerSecond), '--rows', '10-200')
    this.#steady = life
    void life.ended.then(({ code, signal }) => {
      if (this.#steady !== life) return
      const how = signal ?? `exit code ${code}`
      this.#source.onBreach(
        new Breach('the processes', [
          `the generator ended by itself: ${how}; see ${this.#source.logs}/generator.log`,
        ]),
      )
    })
  }

  /** In order: what it has begun it finishes or takes back. */
  async stop(): Promise<void> {
    await this.#endSteady('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#endSteady('SIGKILL')
  }

  /** A second generator, beside the first, as fast as it can. */
  async burst(): Promise<void> {
    const { code, signal } = await this.#generate('--files', '8', '--rows', '100-400').ended
    if (code !== 0 && signal === null)
      throw new Breach('the processes', [
        `a generator ended with exit code ${code}; see ${this.#source.logs}/generator.log`,
      ])
  }

  /** Renames a file into place, as a person's own program might. */
  async publish(name: string, generation = 1, rows = 300): Promise<MadeFile> {
    const { folders } = this.#source
    const file = { ...this.#make(name, rows), generation }
    await writeFile(join(folders.temp, name), file.content)
    await rename(join(folders.temp, name), join(folders.input, name))
    this.#written.made.push(file)
    return file
  }

  /** Writes a file straight into the folder, a bit at a time, resting in the middle of lines. */
  async grow(name: string, pieces: number, pauseMs: number): Promise<MadeFile> {
    const file = this.#make(name, 40 * pieces)
    const out = await open(join(this.#source.folders.input, name), 'wx')
    this.#written.made.push(file)
    try {
      for (const piece of cutInsideLines(file.content, pieces)) {
        await out.write(piece)
        await sleep(pauseMs)
      }
    } finally {
      await out.close()
    }
    return file
  }

  /** A name that was not used before. */
  newName(kind: string): string {
    return `${kind}_${String(++this.#files).padStart(5, '0')}.csv`
  }

  /** Hands over the answer keys, and begins anew. */
  handOver(): Written {
    const written = this.#written
    this.#written = { manifests: [], made: [] }
    return written
  }

  #make(name: string, rows: number): MadeFile {
    return makeFile({
      name,
      seed: this.#source.chance.whole(0, 0x7fff_ffff),
      rows,
      repeatPercent: 2,
    })
  }

  #generate(...args: string[]): Life {
    const { folders, manifests, logs, chance } = this.#source
    const manifest = join(manifests, `${String(++this.#runs).padStart(6, '0')}.jsonl`)
    this.#written.manifests.push(manifest)
    const seed = String(chance.whole(0, 0xffff_ffff))
    return startLife({
      entry: 'services/generator/main.ts',
      args: [
        ...[...args, '--manifest', manifest, '--seed', seed],
        ...['--bad-rate', BAD_RATE, '--duplicate-rate', DUPLICATE_RATE],
      ],
      env: { ...folders.env, LOG_LEVEL: 'warn' },
      logFile: join(logs, 'generator.log'),
    })
  }

  async #endSteady(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const life = this.#steady
    this.#steady = undefined
    life?.signal(signal)
    await life?.ended
  }
}

/** Never at the end of a line, where a writer that rests has, as far as anyone can tell, finished. */
function cutInsideLines(content: Buffer, pieces: number): Buffer[] {
  const cuts = Array.from({ length: pieces - 1 }, (_, index) => {
    const cut = Math.round((content.length * (index + 1)) / pieces)
    return content[cut - 1] === 10 ? cut + 1 : cut
  })
  return [0, ...cuts].map((from, index) => content.subarray(from, cuts[index] ?? content.length))
}
