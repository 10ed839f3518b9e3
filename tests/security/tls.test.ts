import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { connection } from '../../services/runtime/connection.ts'
import { createPool } from '../../services/runtime/database.ts'
import { createLogger } from '../../services/runtime/logger.ts'
import { freshFolders } from '../support/folders.ts'
import { readiness, startIngestor } from '../support/ingestor.ts'
import { startService } from '../support/process.ts'
import { type Certificates, certificates } from './certificates.ts'
import { type RoleServer, roleServer } from './roles.ts'

type Settings = Record<string, string>

describe('TLS to PostgreSQL', () => {
  let certs: Certificates
  let secured: RoleServer
  let plain: RoleServer
  let expired: RoleServer

  beforeAll(async () => {
    certs = await certificates()
    const outdated = await certificates(-1)
    secured = await roleServer(certs.settings)
    plain = await roleServer()
    expired = await roleServer(outdated.settings)
    certs = { ...certs, settings: { expiredCa: outdated.ca } }
  })

  const envOf = ({ port, database, passwords }: RoleServer, settings: Settings): Settings => ({
    ...{ POSTGRES_HOST: 'localhost', POSTGRES_PORT: String(port), POSTGRES_DB: database },
    ...{ POSTGRES_USER: 'ingest_reader', POSTGRES_PASSWORD: passwords.ingest_reader },
    ...settings,
  })

  /** Whether what was sent was encrypted, as the server says. */
  async function encrypted(env: Settings): Promise<boolean> {
    const logger = createLogger('test', 'silent')
    const pool = createPool(connection(env), { applicationName: 'tls', maxConnections: 1 }, logger)
    try {
      const { rows } = await pool.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
      return rows[0].ssl
    } finally {
      await pool.end()
    }
  }

  const mode = (POSTGRES_SSLMODE: string, POSTGRES_SSLROOTCERT?: string, host = 'localhost') => ({
    ...{ POSTGRES_SSLMODE, POSTGRES_HOST: host },
    ...(POSTGRES_SSLROOTCERT === undefined ? {} : { POSTGRES_SSLROOTCERT }),
  })

  test('is had, or not, as libpq would with the same words', async () => {
    const { ca } = certs
    const seen = async (server: RoleServer, settings: Settings) =>
      encrypted(envOf(server, settings))
    expect({
      'near, nothing said': await seen(secured, {}),
      disable: await seen(secured, mode('disable')),
      prefer: await seen(secured, mode('prefer')),
      require: await seen(secured, mode('require')),
      'require, with the CA, another name': await seen(secured, mode('require', ca, '127.0.0.1')),
      'verify-ca, another name': await seen(secured, mode('verify-ca', ca, '127.0.0.1')),
      'verify-full': await seen(secured, mode('verify-full', ca)),
      'prefer, of a server without': await seen(plain, mode('prefer')),
    }).toEqual({
      'near, nothing said': false,
      disable: false,
      prefer: true,
      require: true,
      'require, with the CA, another name': true,
      'verify-ca, another name': true,
      'verify-full': true,
      'prefer, of a server without': false,
    })
  })

  test('is asked for in DATABASE_URL as well, which wins; its password may stand elsewhere', async () => {
    const { port, database, passwords } = secured
    const url = `postgres://ingest_reader@localhost:${port}/${database}?sslmode=verify-full&sslrootcert=${encodeURIComponent(certs.ca)}`
    const env = {
      DATABASE_URL: url,
      POSTGRES_PASSWORD: passwords.ingest_reader,
      POSTGRES_SSLMODE: 'disable',
    }
    expect(await encrypted(env)).toBe(true)
    const { root } = await freshFolders()
    const file = join(root, 'url')
    writeFileSync(file, `${url.replace('@', `:${passwords.ingest_reader}@`)}\n`)
    expect(await encrypted({ DATABASE_URL_FILE: file })).toBe(true)
  })

  const refused = (env: Settings) =>
    encrypted(env).then(
      () => 'accepted',
      error => `${error.code} ${error.message}`,
    )

  test('that is not to be trusted is refused in one line that says why, and what to do', async () => {
    const { ca, otherCa } = certs
    const at = (server: RoleServer, settings: Settings) => refused(envOf(server, settings))
    for (const weak of ['require', 'verify-ca', 'verify-full']) {
      expect(await at(secured, mode(weak, otherCa))).toMatch(
        /^TLS TLS to localhost:\d+, sslmode [a-z-]+: its certificate is not signed by the CA of \S+other-ca.pem \([A-Z_]+\); check POSTGRES_SSLROOTCERT/,
      )
    }
    expect(await at(secured, mode('verify-full', ca, '127.0.0.1'))).toMatch(
      /^TLS TLS to 127.0.0.1:\d+, sslmode verify-full: its certificate is for another name \(.*\); reach it under a name/,
    )
    expect(await at(secured, mode('verify-full', 'system'))).toMatch(/not signed by a public CA/)
    expect(await at(expired, mode('verify-full', certs.settings.expiredCa))).toMatch(
      /its certificate is not valid today \(CERT_HAS_EXPIRED\); renew it/,
    )
    for (const strong of [mode('require'), mode('verify-full', ca)]) {
      expect(await at(plain, strong)).toMatch(
        /the server offers none; turn `ssl` on there, or set POSTGRES_SSLMODE=disable/,
      )
    }
  })

  test('that fails ends a command with 2 and one line, without the secret', async () => {
    const env = envOf(secured, mode('verify-full', certs.otherCa))
    const migrate = startService('services/migrate/main.ts', { env })
    expect(await migrate.exit()).toEqual({ code: 2, signal: null })
    expect(migrate.stderr()).toMatch(/^error: TLS to localhost[^\n]+\n$/)
    expect(migrate.stderr()).not.toContain(env.POSTGRES_PASSWORD)
  })

  test('that fails is a fault of the configuration to an ingestor: said, not ready, tried again', async () => {
    const folders = await freshFolders()
    const env = envOf(plain, mode('require'))
    const ingestor = startIngestor({ env }, folders)
    const fault = await ingestor.waitForLog(line => line.code === 'TLS')
    expect(fault).toMatchObject({ level: 'error', what: 'connect' })
    expect((await readiness(ingestor)).status).toBe(503)
    expect(await ingestor.stop()).toEqual({ code: 0, signal: null })
  })
})

describe('the settings of a connection', () => {
  const of = (env: Settings) => {
    try {
      return connection({ POSTGRES_PASSWORD: 'mine', ...env }).tls.mode
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each([
    ['127.0.0.1', 'disable'],
    ['::1', 'disable'],
    ['localhost', 'disable'],
    ['postgres', 'disable'],
    ['/var/run/postgresql', 'disable'],
    ['host.docker.internal', 'disable'],
    ['192.168.1.7', 'require'],
    ['db.example.com', 'require'],
    ['2001:db8::7', 'require'],
  ])('%s is, when nothing is said, reached with sslmode %s', (POSTGRES_HOST, expected) => {
    expect(of({ POSTGRES_HOST })).toBe(expected)
  })

  test.each([
    [
      { POSTGRES_SSLMODE: 'allow' },
      /^POSTGRES_SSLMODE: expected disable, prefer, .*, found "allow"$/,
    ],
    [
      { POSTGRES_SSLMODE: 'verify-full' },
      /^POSTGRES_SSLROOTCERT: expected the file of the CA .*found null$/,
    ],
    [
      { POSTGRES_SSLMODE: 'verify-ca', POSTGRES_SSLROOTCERT: '/nowhere' },
      /^POSTGRES_SSLROOTCERT: expected a readable file \(ENOENT\), found "\/nowhere"$/,
    ],
    [
      { POSTGRES_SSLMODE: 'verify-ca', POSTGRES_SSLROOTCERT: '/etc/hostname' },
      /^POSTGRES_SSLROOTCERT: expected a file with certificates in PEM, found/,
    ],
    [
      { POSTGRES_SSLMODE: 'require', POSTGRES_SSLROOTCERT: 'system' },
      /^POSTGRES_SSLMODE: expected verify-full, since anyone may have a public certificate, found "require"$/,
    ],
    [{ POSTGRES_SSLROOTCERT: 'system', POSTGRES_HOST: 'db.example.com' }, /^verify-full$/],
  ])('%j: %s', (env, said) => {
    expect(of(env as never)).toMatch(said)
  })

  test('the password that everybody knows is refused beyond this machine, unless asked for', () => {
    const known = { POSTGRES_PASSWORD: 'mypassword' }
    expect(of({ ...known, POSTGRES_HOST: '127.0.0.1' })).toBe('disable')
    expect(of({ ...known, POSTGRES_HOST: 'postgres' })).toBe('disable')
    const far = { ...known, POSTGRES_HOST: 'db.example.com' }
    expect(of(far)).toMatch(/^POSTGRES_PASSWORD: expected one of your own, as db.example.com/)
    expect(of(far)).not.toContain('mypassword')
    expect(of({ DATABASE_URL: 'postgres://myuser:mypassword@10.1.2.3/db' })).toMatch(
      /one of your own/,
    )
    expect(of({ ...far, POSTGRES_ALLOW_KNOWN_PASSWORD: 'yes' })).toBe('require')
  })
})
