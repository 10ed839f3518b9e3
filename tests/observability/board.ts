import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))

export interface Query {
  where: string
  expr: string
}

/** What the boards of Grafana ask, with a window in place of Grafana's own variable. */
export async function boardQueries(rateWindow = '$__rate_interval'): Promise<Query[]> {
  const folder = join(DEPLOY, 'grafana', 'dashboards')
  const boards = (await readdir(folder)).map(async name => {
    const { panels } = JSON.parse(await readFile(join(folder, name), 'utf8'))
    return panels.flatMap((panel: { title: string; targets: { expr: string }[] }) =>
      panel.targets.map(({ expr }) => ({
        where: `${name}: ${panel.title}`,
        expr: expr.replaceAll('$__rate_interval', rateWindow),
      })),
    )
  })
  return (await Promise.all(boards)).flat()
}

/** What the alert rules ask. */
export async function ruleQueries(): Promise<Query[]> {
  const text = await readFile(join(DEPLOY, 'prometheus', 'rules.yml'), 'utf8')
  const rules = text.split(/- alert: /).slice(1)
  return rules.map(rule => ({
    where: rule.split('\n')[0]!,
    expr: /expr: (?:>-\n)?([\s\S]*?)\n\s+(?:for|labels):/.exec(rule)![1]!,
  }))
}
