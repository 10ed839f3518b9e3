import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lockedPackages } from './lock.ts'

/**
 * `npm run sbom`: what is shipped, as CycloneDX. npm lists all that is pinned, and what ships is picked
 * from that here: npm's own `--omit dev` leaves out what a development package needs as well, of which
 * nine packages of the database driver are.
 */
const list = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
const cwd = fileURLToPath(new URL('../../', import.meta.url))
const text = execFileSync('npm', [...list, '--package-lock-only'], { cwd, encoding: 'utf8' })
const bom = JSON.parse(text)

const shipped = new Set(
  lockedPackages()
    .filter(it => it.shipped)
    .map(({ name, version }) => `${name}@${version}`),
)
const project: string = bom.metadata.component['bom-ref']
bom.metadata.component.name = project.slice(0, project.lastIndexOf('@'))
bom.components = bom.components
  .filter((it: { name: string; version: string }) => shipped.has(`${it.name}@${it.version}`))
  .map((it: object) => ({ ...it, scope: 'required' }))
bom.dependencies = bom.dependencies
  .filter(({ ref }: { ref: string }) => ref === project || shipped.has(ref))
  .map(({ ref, dependsOn }: { ref: string; dependsOn: string[] }) => ({
    ref,
    dependsOn: dependsOn.filter(it => shipped.has(it)),
  }))
console.log(JSON.stringify(bom, null, 2))
