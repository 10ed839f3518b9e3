import { join } from 'node:path'
import { timed } from '../child.ts'
import { ROOT } from '../services.ts'
import type { Job, Peer } from './peer.ts'
import { packageVersions, pythonOf } from './python.ts'

/** `read_csv` and `to_sql`: what many people really do. */
export const pandas: Peer = {
  name: 'pandas to_sql',
  needs: 'Python 3 with pandas, sqlalchemy and psycopg2-binary (PyPI)',
  takesLineage: false,
  version: peersDir => packageVersions(peersDir, ['pandas', 'sqlalchemy', 'psycopg2-binary']),
  async load({ bench, database, what }: Job) {
    const script = join(ROOT, 'bench/peers/pandas_to_sql.py')
    const url = database.url.replace('postgres:', 'postgresql+psycopg2:')
    const { seconds, memoryMb } = await timed(
      pythonOf(bench.peersDir),
      [script, '--url', url, what.path],
      { signal: bench.signal },
    )
    return { value: seconds, memoryMb }
  },
}
