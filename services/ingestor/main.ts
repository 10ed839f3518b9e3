import '../runtime/compile-cache.ts'

await import('./program.ts')
