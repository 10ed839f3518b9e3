import { connect as connectSocket, type Socket } from 'node:net'
import pg from 'pg'
import { explainTls, type Tls } from './tls.ts'

/** `SSLRequest`: the first message of a connection that would like to be secured. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const ANSWER_WITHIN_MS = 5_000

export interface ClientConfig extends pg.ClientConfig {
  tls: Tls
}

/** The server asks for a password, and there is none to give. */
class NoPassword extends Error {
  /** PostgreSQL's invalid_password. */
  readonly code = '28P01'

  constructor(user: string, cause: unknown) {
    super(
      `expected a password for ${JSON.stringify(user)} in POSTGRES_PASSWORD, POSTGRES_PASSWORD_FILE or DATABASE_URL, found none`,
      { cause },
    )
    this.name = 'NoPassword'
  }
}

// The driver says it in words alone.
function isWithoutPassword(error: unknown): boolean {
  return /^SASL: .*client password must be a/.test((error as Error).message)
}

/** The driver's client, which says in words why TLS failed, and knows `sslmode=prefer`. */
export class Client extends pg.Client {
  readonly #tls: Tls

  constructor(config: ClientConfig) {
    super(config)
    this.#tls = config.tls
    // An end between two statements is an error event, and would end the process if nobody heard it;
    // it may come in the same breath as the first sign of life, before whoever asked has the client.
    // The next statement finds out.
    this.on('error', () => {})
  }

  override connect(): Promise<this>
  override connect(callback: (error: Error | null, client?: this) => void): void
  override connect(
    callback?: (error: Error | null, client?: this) => void,
  ): Promise<this> | undefined {
    if (callback === undefined) return this.#connect()
    this.#connect().then(client => callback(null, client), callback)
    return undefined
  }

  /** Ends the connection without a word to the server; whoever waits for an answer hears that it is lost. */
  cut(): void {
    const { connection } = this as unknown as { connection: { stream: Socket } }
    connection.stream.destroy()
  }

  async #connect(): Promise<this> {
    try {
      if (this.#tls.mode === 'prefer' && !(await offersTls(this.host, this.port))) sendPlain(this)
      await super.connect()
      return this
    } catch (error) {
      if (isWithoutPassword(error)) throw new NoPassword(this.user ?? '', error)
      throw explainTls(error, this.#tls, `${this.host}:${this.port}`) ?? error
    }
  }
}

// The driver has no way of its own to go on without, once it has been told to ask.
function sendPlain(client: pg.Client): void {
  const inner = client as unknown as { ssl: unknown; connection: { ssl: unknown } }
  inner.ssl = false
  inner.connection.ssl = false
}

/** Asks once before each connection, as libpq does within it. */
function offersTls(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, timeout: ANSWER_WITHIN_MS })
    socket.on('connect', () => socket.write(SSL_REQUEST))
    socket.on('data', answer => {
      resolve(answer[0] === 'S'.charCodeAt(0))
      socket.destroy()
    })
    socket.on('timeout', () => socket.destroy(new Error('timeout expired')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('Connection terminated unexpectedly')))
  })
}
