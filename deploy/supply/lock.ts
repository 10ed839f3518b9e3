import { readFileSync } from 'node:fs'

export interface LockedPackage {
  /** Where it is installed: `node_modules/a/node_modules/b`. */
  path: string
  name: string
  version: string
  licence: string
  integrity: string | undefined
  hasInstallScript: boolean
  /** What a production install without optional packages brings. */
  shipped: boolean
}

const LOCK = new URL('../../package-lock.json', import.meta.url)

/** Every package that `package-lock.json` pins. */
export function lockedPackages(): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8'))
  return Object.entries<Record<string, never>>(packages)
    .filter(([path]) => path !== '')
    .map(([path, it]) => ({
      path,
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: it.version!,
      licence: it.license ?? 'none',
      integrity: it.integrity,
      hasInstallScript: it.hasInstallScript === true,
      shipped: !it.dev && !it.optional && !it.devOptional,
    }))
}
