import { isIP } from 'node:net'
import pg from 'pg'
import { ConfigurationError, type Environment, secret, together } from './env.ts'
import { type SslMode, type Tls, type TlsSettings, tlsOf } from './tls.ts'

/** Where the database is, who asks, and how the way there is kept private. */
export interface Target {
  host: string
  port: number
  database: string
  user: string
  password: string | undefined
  tls: Tls
}

/** Every setting that says something about the connection. */
export const CONNECTION_SETTINGS = [
  ...['DATABASE_URL', 'DATABASE_URL_FILE', 'POSTGRES_HOST', 'POSTGRES_PORT', 'POSTGRES_DB'],
  ...['POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_PASSWORD_FILE', 'POSTGRES_SSLMODE'],
  ...['POSTGRES_SSLROOTCERT', 'POSTGRES_SSLCERT', 'POSTGRES_SSLKEY'],
] as const

/** The password of the tutorial that this project comes from: the whole world has it. */
const KNOWN_PASSWORD = 'mypassword'

/**
 * The connection of `DATABASE_URL`, or of the `POSTGRES_*` names of the original. What the URL leaves
 * out of password and TLS, the settings say.
 * @throws ConfigurationError naming every fault
 */
export function connection(env: Environment): Target {
  const [password, { tls, ...where }] = together(
    () => secret(env, 'POSTGRES_PASSWORD'),
    () => placeOf(env),
  )
  const target = { ...where, password: where.password || password }
  const [secured] = together(
    () => tlsOf(target.host.startsWith('/') ? { mode: 'disable' } : tls, usualMode(target.host)),
    () => refuseKnownPassword(target, env),
  )
  return { ...target, tls: secured }
}

type Place = Omit<Target, 'tls'> & { tls: TlsSettings }

function placeOf(env: Environment): Place {
  const tls: TlsSettings = {
    mode: env.POSTGRES_SSLMODE,
    rootCert: env.POSTGRES_SSLROOTCERT,
    cert: env.POSTGRES_SSLCERT,
    key: env.POSTGRES_SSLKEY,
  }
  const url = secret(env, 'DATABASE_URL')
  if (url !== undefined) return placeOfUrl(url, tls)
  const port = env.POSTGRES_PORT ?? '5432'
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new ConfigurationError([
      `POSTGRES_PORT: expected a port from 1 to 65535, found ${JSON.stringify(port)}`,
    ])
  }
  return {
    host: env.POSTGRES_HOST ?? '127.0.0.1',
    port: Number(port),
    database: env.POSTGRES_DB ?? 'ecommerce_db',
    user: env.POSTGRES_USER ?? 'myuser',
    password: undefined,
    tls,
  }
}

// The driver reads the URL, but for what it has to say on TLS, which it takes otherwise than libpq, and
// for whatever else it would set: names of sessions and their options are this program's own affair.
function placeOfUrl(url: string, tls: TlsSettings): Place {
  try {
    const [base, query] = url.split(/\?(.*)/s) as [string, string?]
    const said = new URLSearchParams(query)
    const socket = said.get('host')
    const client = new pg.Client(socket ? `${base}?host=${encodeURIComponent(socket)}` : base)
    if (!/^postgres(ql)?:\/\//.test(url) || !(client.port <= 65_535)) throw new Error()
    return {
      host: client.host,
      port: client.port,
      database: client.database ?? '',
      user: client.user ?? '',
      password: client.password ?? undefined,
      tls: {
        mode: said.get('sslmode') ?? tls.mode,
        rootCert: said.get('sslrootcert') ?? tls.rootCert,
        cert: said.get('sslcert') ?? tls.cert,
        key: said.get('sslkey') ?? tls.key,
      },
    }
  } catch {
    // The URL is never shown: it may hold a password.
    throw new ConfigurationError([
      'DATABASE_URL: expected postgres://user:password@host:port/database',
    ])
  }
}

function usualMode(host: string): SslMode {
  return isNear(host) ? 'disable' : 'require'
}

/**
 * Whether what is sent stays on this machine or among containers: a socket, a loopback address, a name
 * without a dot, as Compose, Swarm and Kubernetes give their services.
 */
export function isNear(host: string): boolean {
  if (host === '' || host.startsWith('/') || host === 'host.docker.internal') return true
  return isIP(host) === 0 ? !host.includes('.') : host === '::1' || host.startsWith('127.')
}

function refuseKnownPassword({ host, password }: Omit<Target, 'tls'>, env: Environment): void {
  if (password !== KNOWN_PASSWORD || isNear(host)) return
  if (env.POSTGRES_ALLOW_KNOWN_PASSWORD === 'yes') return
  throw new ConfigurationError([
    `POSTGRES_PASSWORD: expected one of your own, as ${host} is not this machine, found the one of the tutorial that everybody knows; change it (psql: \\password), or set POSTGRES_ALLOW_KNOWN_PASSWORD=yes`,
  ])
}

/** The user and database of a connection, for commands that a person is offered. */
export function whoAndWhere({ user, database }: Target): { user: string; database: string } {
  return { user, database }
}

/** The host and database of a connection, for messages; never the user's secret. */
export function describeTarget({ host, port, database }: Target): string {
  return `${host}:${port}/${database}`
}
