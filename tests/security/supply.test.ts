import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { lockedPackages } from '../../deploy/supply/lock.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (name: string) => readFileSync(`${ROOT}${name}`, 'utf8')

/** Licences that ask for no more than to be named. A further one is a decision: add it here, and say why. */
const SHIPPED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'OFL-1.1']
/** What only builds, tests or measures may also be under these. */
const NOT_SHIPPED = [...SHIPPED, 'MIT OR Apache-2.0', 'MPL-2.0', 'Unlicense']

describe('what comes from others', () => {
  const packages = lockedPackages()

  test('is pinned to the byte: an exact version in the manifest, a hash of each package in the lock', () => {
    const manifest = JSON.parse(read('package.json'))
    const wanted = Object.entries<string>({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    })
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
    expect(packages.filter(({ integrity }) => !integrity?.startsWith('sha512-'))).toEqual([])
    for (const [name, version] of wanted) {
      const locked = packages.find(({ path }) => path === `node_modules/${name}`)
      expect(locked?.version, name).toBe(version)
    }
  })

  test('is under a licence of the list', () => {
    const other = packages.filter(
      ({ shipped, licence }) => !(shipped ? SHIPPED : NOT_SHIPPED).includes(licence),
    )
    expect(other.map(({ name, licence }) => `${name}: ${licence}`)).toEqual([])
  })

  test('runs nothing when it is installed into an image', () => {
    for (const name of ['Dockerfile.ingestor', 'Dockerfile.generator']) {
      const installs = read(name).match(/^RUN npm .*$/gm)
      expect(installs, name).toEqual([
        'RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund',
      ])
    }
    const scripted = packages.filter(({ hasInstallScript, shipped }) => hasInstallScript && shipped)
    expect(scripted).toEqual([])
  })

  test('and what is sent to a build is named, thing by thing', () => {
    const lines = read('.dockerignore').split('\n')
    const rules = lines.filter(line => line !== '' && !line.startsWith('#'))
    expect(rules).toEqual(['*', '!package.json', '!package-lock.json', '!services', '!sql'])
  })

  test('is listed by npm run sbom: all that is shipped, each with its licence and hash, and nothing else', () => {
    const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, encoding: 'utf8' })
    const { bomFormat, components } = JSON.parse(text)
    expect(bomFormat).toBe('CycloneDX')
    const listed = (components as { name: string; version: string }[]).map(
      ({ name, version }) => `${name} ${version}`,
    )
    const shipped = packages.filter(it => it.shipped).map(it => `${it.name} ${it.version}`)
    expect([...new Set(listed)].sort()).toEqual([...new Set(shipped)].sort())
    for (const { name, licenses, hashes } of components) {
      expect(licenses?.length, name).toBeGreaterThan(0)
      expect(hashes?.[0]?.alg, name).toBe('SHA-512')
    }
  })
})
