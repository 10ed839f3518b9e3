import { closeSync, constants, existsSync, fsync, openSync } from 'node:fs'
import { promisify } from 'node:util'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants

/**
 * A folder held open: a name is looked for in it, and not in what may have taken its place in the path
 * meanwhile. Node has no `openat`; under Linux the path of an open descriptor is as good. Elsewhere
 * the path is taken as it is.
 */
export class HeldFolder {
  readonly path: string
  readonly #fd: number
  /** The same folder, by its descriptor. */
  readonly held: string

  /** @throws what the system says; ENOTDIR or ELOOP where there is a link in its place */
  constructor(path: string) {
    this.path = path
    this.#fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    const held = `/proc/self/fd/${this.#fd}`
    this.held = existsSync(held) ? held : path
  }

  /**
   * Where a file of the folder is.
   * @throws NotAName where the name would lead out of it
   */
  at(name: string): string {
    return `${this.held}/${requireName(name)}`
  }

  /** The same for a name that is no text. */
  atBytes(name: Buffer): Buffer {
    requireName(name.toString('latin1'))
    return Buffer.concat([Buffer.from(`${this.held}/`), name])
  }

  /** An error of the system that names the folder as a person knows it. */
  named(error: unknown): unknown {
    if (error instanceof Error) error.message = error.message.replaceAll(this.held, this.path)
    return error
  }

  sync(): Promise<void> {
    return promisify(fsync)(this.#fd)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Does `work` in a folder that is held meanwhile. */
export async function inFolder<T>(
  path: string,
  work: (folder: HeldFolder) => Promise<T>,
): Promise<T> {
  const folder = new HeldFolder(path)
  try {
    return await work(folder)
  } catch (error) {
    throw folder.named(error)
  } finally {
    folder.close()
  }
}

/**
 * Names come from the database as well as from a listing, and there others may write: `../x` is no
 * file of the folder, whoever says so.
 */
export class NotAName extends Error {
  readonly code = 'NOT_A_NAME'

  constructor(name: string) {
    super(`expected the name of a file in the folder, found ${JSON.stringify(name)}`)
    this.name = 'NotAName'
  }
}

export function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

function requireName(name: string): string {
  if (!isName(name)) throw new NotAName(name)
  return name
}
