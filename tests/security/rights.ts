import type pg from 'pg'
import { ROLES, type Role } from './roles.ts'

/** PostgreSQL's word for "you may not". */
const DENIED = '42501'

export interface Right {
  object: string
  /** What each role was seen to be allowed, in words; empty where it was nothing. */
  may: Record<Role, string>
}

/** Whether the role may, found out by doing it and taking it back. Any other refusal comes after that. */
export async function may(client: pg.Client, statement: string): Promise<boolean> {
  await client.query('begin')
  try {
    await client.query(statement)
    return true
  } catch (error) {
    return (error as pg.DatabaseError).code !== DENIED
  } finally {
    await client.query('rollback')
  }
}

/** Every table, view and function of the schema, and what each role may do with it: by trying. */
export async function rightsMatrix(clients: Record<Role, pg.Client>): Promise<Right[]> {
  const { rows: relations } = await clients.owner.query(
    `select c.relname as name, c.relkind as kind, array_to_json(array_agg(a.attname order by a.attnum)) as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
      group by 1, 2 order by c.relkind, 1`,
  )
  const { rows: functions } = await clients.owner.query(
    `select p.oid::regprocedure::text as name, p.proname as bare,
            (select coalesce(string_agg(format('null::%s', format_type(t, null)), ', ' order by n), '')
               from unnest(p.proargtypes) with ordinality as a (t, n)) as arguments
       from pg_proc p where p.pronamespace = 'public'::regnamespace order by 1`,
  )
  const matrix: Right[] = []
  for (const { name, kind, columns } of relations) {
    const of = (client: pg.Client) =>
      kind === 'v' ? onView(client, name) : onTable(client, name, JSON.parse(columns))
    matrix.push(await row(`\`${name}\``, clients, of))
  }
  for (const { name, bare, arguments: args } of functions) {
    const of = async (client: pg.Client) =>
      (await may(client, `select ${bare}(${args})`)) ? 'call' : ''
    matrix.push(await row(`\`${name}\``, clients, of))
  }
  matrix.push(await row('tables of its own', clients, makes('create table mine (n integer)')))
  matrix.push(await row('temporary tables', clients, makes('create temp table mine (n integer)')))
  return matrix
}

const makes = (statement: string) => async (client: pg.Client) =>
  (await may(client, statement)) ? 'make' : ''

async function row(
  object: string,
  clients: Record<Role, pg.Client>,
  of: (client: pg.Client) => Promise<string>,
): Promise<Right> {
  const words: [Role, string][] = []
  for (const role of ROLES) words.push([role, await of(clients[role])])
  return { object, may: Object.fromEntries(words) as Record<Role, string> }
}

async function onView(client: pg.Client, name: string): Promise<string> {
  return (await may(client, `select from ${name} limit 0`)) ? 'select' : ''
}

async function onTable(client: pg.Client, name: string, columns: string[]): Promise<string> {
  const rights: string[] = []
  if (await may(client, `select from ${name} limit 0`)) rights.push('select')
  if (await may(client, `insert into ${name} default values`)) rights.push('insert')
  const updated: string[] = []
  for (const column of columns) {
    if (await may(client, `update ${name} set ${column} = default where false`))
      updated.push(column)
  }
  if (updated.length === columns.length) rights.push('update')
  else if (updated.length > 0) rights.push(`update of ${updated.map(it => `\`${it}\``).join(', ')}`)
  if (await may(client, `delete from ${name} where false`)) rights.push('delete')
  if (await may(client, `truncate ${name}`)) rights.push('truncate')
  return rights.join(', ')
}

/** As a table of Markdown. */
export function inMarkdown(matrix: readonly Right[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(['', 'owner', ...ROLES.slice(1).map(role => `\`${role}\``)]),
    line(['---', ...ROLES.map(() => '---')]),
    ...matrix.map(({ object, may }) => line([object, ...ROLES.map(role => may[role] || '–')])),
  ].join('\n')
}
