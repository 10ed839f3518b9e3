import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Asset {
  type: string
  body: Buffer
  etag: string
}

const PUBLIC = fileURLToPath(new URL('./public/', import.meta.url))
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/**
 * Everything the page is made of, by path, read once: nothing else of the disk can be asked for. Its
 * modules are written in TypeScript and lose their types here, as Node's own do.
 */
export function readAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>()
  for (const name of readdirSync(PUBLIC)) {
    if (TYPES[extname(name)]) assets.set(`/${name}`, read(join(PUBLIC, name)))
  }
  assets.set('/', assets.get('/index.html')!)
  for (const [path, file] of Object.entries(OF_PACKAGES)) {
    assets.set(path, read(createRequire(import.meta.url).resolve(file)))
  }
  return assets
}

const OF_PACKAGES = {
  '/uplot.js': 'uplot/dist/uPlot.esm.js',
  '/uplot.css': 'uplot/dist/uPlot.min.css',
  '/inter.woff2': '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
}

function read(file: string): Asset {
  const extension = extname(file)
  const raw = readFileSync(file)
  const body = extension === '.ts' ? Buffer.from(asJavaScript(raw.toString())) : raw
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { type: TYPES[extension]!, body, etag }
}

// A browser has no node_modules: the one package that the page uses has an address here.
function asJavaScript(source: string): string {
  return stripTypeScriptTypes(source).replace("from 'uplot'", "from './uplot.js'")
}
