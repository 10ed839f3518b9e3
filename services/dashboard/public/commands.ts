import type { Setup } from '../shape.ts'

/** A statement as a command that can be pasted into a shell: no `$`, backtick, `!` or double quote in it. */
export function query({ by, user, database }: Setup, sql: string): string {
  return by === 'docker'
    ? `docker exec -it postgres_db psql -U ${user} -d ${database} -c "${sql}"`
    : `npm run query -- "${sql}"`
}

export function exportCommand(
  { by, user, database }: Setup,
  reason: string,
  column: string | null,
): string {
  const which = `e.reason = '${reason}' and e.column_name ${column === null ? 'is null' : `= '${column}'`}`
  const select = `select f.file_name, e.line_no, e.reason, e.column_name, e.error_message, encode(e.raw_line, 'escape') as line from user_activity_errors e join ingest_files f using (file_id) where e.resolved_at is null and ${which} order by e.error_id`
  const psql =
    by === 'docker'
      ? `docker exec postgres_db psql -U ${user} -d ${database}`
      : 'psql -d "$(cat data/postgres/url)"'
  return `${psql} -c "\\copy (${select}) to stdout with (format csv, header)" > rejects-${reason}.csv`
}

export interface Suggestion {
  title: string
  command: string
}

export function suggestions(setup: Setup): Suggestion[] {
  const generator =
    setup.by === 'docker' ? 'docker compose run --rm generator' : 'npm run generate --'
  const docker: Suggestion[] = [
    { title: 'Share the work out', command: 'docker compose up -d --scale ingestor=4' },
  ]
  return [
    { title: 'Ten files of 5,000 events', command: `${generator} --files 10 --rows 5000` },
    {
      title: 'Some lines broken, some events twice',
      command: `${generator} --files 3 --rows 1000 --bad-rate 0.05 --duplicate-rate 0.1`,
    },
    {
      title: 'A flood: 20,000 events a second',
      command: `${generator} --rate 20000 --rows 1000-3000`,
    },
    { title: 'Count the rows', command: query(setup, 'select count(*) from user_activity') },
    {
      title: 'What sells',
      command: query(
        setup,
        "select product_id, count(*) as purchases, sum(price) as revenue from user_activity where event_type = 'purchase' group by 1 order by revenue desc limit 10",
      ),
    },
    {
      title: 'The newest rows, and where each came from',
      command: query(
        setup,
        'select a.event_time, a.event_type, a.price, f.file_name, a.line_no from user_activity a join ingest_files f using (file_id) order by a.ingested_at desc limit 10',
      ),
    },
    { title: 'How things stand, in one row', command: query(setup, 'select * from ingest_status') },
    {
      title: 'Is every row accounted for? Empty when all is well',
      command: query(setup, 'select * from ingest_discrepancies'),
    },
    ...(setup.by === 'docker' ? docker : []),
  ]
}
