import { join, relative } from 'node:path'
import { styleText } from 'node:util'
import { HEADER } from '../contract/dialect.ts'
import type { LocalConfig } from './config.ts'
import { DATABASE, type LocalDatabase, passwordFile } from './database.ts'
import { LOOPBACK } from './port.ts'

/** What a newcomer can do now, each line ready to be pasted. */
export function welcome(
  config: LocalConfig,
  { server }: LocalDatabase,
  dashboardPort: number | null,
): string {
  const at = (folder: string) => shown(join(config.dataDir, folder))
  const { host, port, user } = server
  const psql = `PGPASSFILE=${shown(passwordFile(config.dataDir))} psql -h ${host} -p ${port} -U ${user} ${DATABASE}`
  const items: [string, string][] = [
    ['Page', dashboardPort === null ? 'none' : `http://${LOOPBACK}:${dashboardPort}`],
    ['Events', generatorInWords(config, at('input'))],
    ['Your own', `drop CSV files in ${at('input')} with the header`],
    ['', HEADER],
    ['Look', `npm run query -- "select count(*) from user_activity"`],
    ['', `npm run query -- "select * from ingest_status"`],
    ['', psql],
    ['Data', `PostgreSQL 15 on ${host}:${port}, kept in ${shown(server.folder)}`],
    ['Logs', at('logs')],
    ['Stop', 'Ctrl-C'],
  ]
  const lines = items.map(([name, text]) => `  ${styleText('bold', name.padEnd(9))} ${text}`)
  return `\n${lines.join('\n')}\n`
}

function generatorInWords({ eventsPerSecond }: LocalConfig, input: string): string {
  if (eventsPerSecond === 0) return 'none are generated'
  return `about ${eventsPerSecond.toLocaleString('en-US')} a second are generated into ${input}`
}

function shown(path: string): string {
  const near = relative('', path)
  return near.startsWith('..') ? path : near
}
