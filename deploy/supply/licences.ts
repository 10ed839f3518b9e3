import { lockedPackages } from './lock.ts'

/** `npm run licences`: what each shipped package is licensed under. */
const byLicence = Map.groupBy(
  lockedPackages().filter(({ shipped }) => shipped),
  ({ licence }) => licence,
)
for (const [licence, packages] of [...byLicence].sort()) {
  const names = packages.map(({ name, version }) => `${name} ${version}`).sort()
  console.log(`${licence} (${names.length})\n  ${names.join('\n  ')}`)
}
