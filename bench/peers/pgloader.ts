import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { COLUMNS } from '../../services/contract/event.ts'
import { timed } from '../child.ts'
import { firstLine } from '../programs.ts'
import type { Job, Peer } from './peer.ts'

/** `LOAD CSV` with its defaults: COPY in batches, bad rows kept aside. */
export const pgloader: Peer = {
  name: 'pgloader',
  needs: 'pgloader (Debian: pgloader)',
  takesLineage: true,
  version: () => firstLine('pgloader', ['--version']),
  async load({ bench, database, data, what }: Job) {
    const columns = [...COLUMNS, 'file_id', 'line_no'].join(', ')
    const commands = join(data.path, 'load.pgloader')
    await writeFile(
      commands,
      `LOAD CSV
  FROM '${what.path}' (${columns})
  INTO ${database.url}
  TARGET TABLE public.user_activity (${columns})
  WITH skip header = 1, fields terminated by ',', fields optionally enclosed by '"';
`,
    )
    const args = ['--quiet', '--root-dir', data.path, commands]
    const { seconds, memoryMb } = await timed('pgloader', args, { signal: bench.signal })
    return { value: seconds, memoryMb }
  },
}
