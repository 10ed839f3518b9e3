import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Account } from './account.ts'

/**
 * Starts the server, then stops it when standard input says how (`fast`, `immediate`) or ends: the
 * pipe breaks when the starter dies, however it dies. The start is in here too, so that there is no
 * moment with a server and no keeper. A shell, because it takes 1 MB where Node takes 40.
 *
 * A trapped signal is not passed on, and `read` may end by it: then the server is stopped as well.
 */
const SCRIPT = `
trap : HUP INT TERM PIPE
"$1" start -w -s -t 600 -D "$2" -l "$3" -o "$4" </dev/null || exit 1
echo ready
read -r mode || mode=fast
"$1" stop -w -s -t 20 -D "$2" -m "$mode" || "$1" stop -w -s -t 20 -D "$2" -m immediate
`

export type StopMode = 'fast' | 'immediate'

export interface Keeper {
  stop(mode: StopMode): Promise<void>
}

export interface KeptServer {
  readonly pgCtl: string
  readonly data: string
  readonly logFile: string
  /** The server's own command line options. */
  readonly options: string
}

/** @throws Error with what `pg_ctl` said where the server does not start */
export async function keep(server: KeptServer, account: Account): Promise<Keeper> {
  const { pgCtl, data, logFile, options } = server
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'keeper', pgCtl, data, logFile, options], {
    ...account,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
    // In a session of its own: Ctrl-C must reach the starter only, which stops things in order.
    detached: true,
  })
  const exited = once(child, 'exit')
  child.stdin.on('error', () => undefined)
  await ready(child)
  return {
    async stop(mode) {
      child.stdin.end(`${mode}\n`)
      await exited
    },
  }
}

async function ready(child: ChildProcess): Promise<void> {
  let complaint = ''
  child.stderr!.setEncoding('utf8').on('data', text => {
    complaint += text
  })
  const [outcome] = await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])
  if (String(outcome).startsWith('ready')) return
  throw new Error(`PostgreSQL did not start: ${complaint.trim()}`)
}
