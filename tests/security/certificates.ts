import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverAccount } from '../../services/local/account.ts'
import { atTestEnd } from '../support/cleanup.ts'

export interface Certificates {
  /** Of the CA that signs the server's certificate, and of one that does not. */
  readonly ca: string
  readonly otherCa: string
  /** postgresql.conf for a server called `localhost`. */
  readonly settings: Record<string, string>
}

/** A CA of the test's own and a certificate for `localhost` that it signed, valid for so many days. */
export async function certificates(days = 2): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), 'hot-folder-tls-'))
  atTestEnd(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['ca', 'other-ca']) {
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)]
    openssl('req', '-x509', ...key, ...files, '-days', '2', '-subj', `/CN=${name}`)
  }
  const request = ['-keyout', at('server.key'), '-out', at('server.csr')]
  openssl('req', ...key, ...request, '-subj', '/CN=localhost')
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost')
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
  const files = ['-in', at('server.csr'), '-out', at('server.pem'), '-extfile', at('names')]
  openssl('x509', '-req', ...signer, ...files, '-days', String(days))
  const { uid, gid } = await serverAccount()
  chmodSync(at('server.key'), 0o600)
  if (uid !== undefined && gid !== undefined) chownSync(at('server.key'), uid, gid)
  return {
    ca: at('ca.pem'),
    otherCa: at('other-ca.pem'),
    settings: { ssl: 'on', ssl_cert_file: at('server.pem'), ssl_key_file: at('server.key') },
  }
}
