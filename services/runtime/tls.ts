import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { ConfigurationError } from './env.ts'

/**
 * As libpq names them. `prefer` takes what there is, `require` encrypts without asking with whom (with
 * a CA it is `verify-ca`, as in libpq), `verify-ca` asks who signed, `verify-full` for whom as well.
 */
export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

export interface TlsSettings {
  mode?: string | undefined
  rootCert?: string | undefined
  cert?: string | undefined
  key?: string | undefined
}

export interface Tls {
  mode: SslMode
  /** Where the CA came from, for messages. */
  rootCert: string | undefined
  /** What `pg` is given: false for plain text. */
  ssl: false | ConnectionOptions
}

/** The CAs that come with Node (libpq: with the system), for a server with a public certificate. */
const PUBLIC_CAS = 'system'

/**
 * What libpq would do with the same words; `pg` reads them otherwise (to it, `require` verifies all).
 * @throws ConfigurationError naming every fault
 */
export function tlsOf({ mode: given, rootCert, cert, key }: TlsSettings, usual: SslMode): Tls {
  const mode = given ?? (rootCert === PUBLIC_CAS ? 'verify-full' : usual)
  if (!isSslMode(mode)) throw fault('SSLMODE', `expected ${SSL_MODES.join(', ')}`, mode)
  if (mode === 'disable') return { mode, rootCert, ssl: false }
  const verifies = mode.startsWith('verify-') || (mode === 'require' && rootCert !== undefined)
  if (mode.startsWith('verify-') && rootCert === undefined) {
    throw fault(
      'SSLROOTCERT',
      `expected the file of the CA that signs the server's certificate, or ${PUBLIC_CAS} for the public ones, as sslmode is ${mode}`,
      null,
    )
  }
  if (rootCert === PUBLIC_CAS && mode !== 'verify-full') {
    throw fault('SSLMODE', 'expected verify-full, since anyone may have a public certificate', mode)
  }
  return {
    ...{ mode, rootCert },
    ssl: {
      rejectUnauthorized: verifies,
      ...(verifies && mode !== 'verify-full' ? { checkServerIdentity: () => undefined } : {}),
      ...(verifies && rootCert !== PUBLIC_CAS ? { ca: certificates(rootCert!) } : {}),
      ...(cert === undefined ? {} : { cert: readable('SSLCERT', cert) }),
      ...(key === undefined ? {} : { key: readable('SSLKEY', key) }),
    },
  }
}

function isSslMode(mode: string): mode is SslMode {
  return SSL_MODES.includes(mode as SslMode)
}

function certificates(file: string): string {
  const pem = readable('SSLROOTCERT', file)
  try {
    new X509Certificate(pem)
    return pem
  } catch {
    throw fault('SSLROOTCERT', 'expected a file with certificates in PEM', file)
  }
}

function readable(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw fault(name, `expected a readable file (${code})`, file)
  }
}

function fault(name: string, expected: string, found: string | null): ConfigurationError {
  return new ConfigurationError([`POSTGRES_${name}: ${expected}, found ${JSON.stringify(found)}`])
}

/** The two sides could not agree on a secured connection: a person must mend it. */
export class TlsFault extends Error {
  readonly code = 'TLS'

  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'TlsFault'
  }
}

const NO_TLS = 'The server does not support SSL connections'
const CERTIFICATE =
  /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_CA|PATH_LENGTH|ERROR_IN_CERT)/
const HANDSHAKE = /^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO)/

/** What a person can make of a failed handshake, in one line; null where it is something else. */
export function explainTls(
  error: unknown,
  { mode, rootCert }: Tls,
  server: string,
): TlsFault | null {
  const { code = '', message } = error as NodeJS.ErrnoException
  const say = (found: string, remedy: string) =>
    new TlsFault(`TLS to ${server}, sslmode ${mode}: ${found}; ${remedy}`, error)
  if (message === NO_TLS) {
    return say(
      'the server offers none',
      'turn `ssl` on there, or set POSTGRES_SSLMODE=disable to send passwords and rows as plain text',
    )
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return say(
      `its certificate is for another name (${(error as { reason?: string }).reason ?? message})`,
      'reach it under a name that the certificate has',
    )
  }
  if (/EXPIRED|NOT_YET_VALID/.test(code)) {
    return say(
      `its certificate is not valid today (${code})`,
      'renew it, or see what day it is here',
    )
  }
  if (CERTIFICATE.test(code)) {
    const by = rootCert === PUBLIC_CAS ? 'a public CA' : `the CA of ${rootCert}`
    return say(
      `its certificate is not signed by ${by} (${code})`,
      'check POSTGRES_SSLROOTCERT, and that this is the server you mean',
    )
  }
  return HANDSHAKE.test(code)
    ? say(`the handshake failed (${code}: ${message})`, 'see its log')
    : null
}
