import { COLUMNS } from '../../services/contract/event.ts'
import { timed } from '../child.ts'
import { firstLine } from '../programs.ts'
import type { Job, Peer } from './peer.ts'

/** One `\copy`: it checks nothing but the table's own constraints, and resumes nothing. */
export const psqlCopy: Peer = {
  name: 'psql \\copy',
  needs: 'psql (Debian: postgresql-client)',
  takesLineage: true,
  version: () => firstLine('psql', ['--version']),
  async load({ bench, database, what }: Job) {
    const { host, port, name, user, password } = database
    const columns = [...COLUMNS, 'file_id', 'line_no'].join(', ')
    const copy = `\\copy user_activity (${columns}) from '${what.path}' with (format csv, header)`
    const target = ['-h', host, '-p', `${port}`, '-U', user, '-d', name]
    const { seconds, memoryMb } = await timed('psql', ['-X', '-q', ...target, '-c', copy], {
      env: { PGPASSWORD: password },
      signal: bench.signal,
    })
    return { value: seconds, memoryMb }
  },
}
