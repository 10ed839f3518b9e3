import { EXIT } from '../../runtime/command.ts'
import { audit, type Breach } from '../audit.ts'
import { count, paint } from './paint.ts'
import { progress } from './progress.ts'
import type { Register } from './register.ts'
import { type CommonOptions, withSession } from './session.ts'

export const addAudit: Register = (program, ends) => {
  program
    .command('audit')
    .description('read the archive again and prove the tables line by line; 1 where they differ')
    .action(ends(auditAll))
}

async function auditAll(options: CommonOptions): Promise<number> {
  return withSession('audit', options, async ({ pool, config }) => {
    const { rows } = await pool.query(
      `select coalesce(sum(size_bytes), 0)::bigint as bytes from ingest_files where status = 'done'`,
    )
    const bar = progress(rows[0].bytes, 'bytes')
    let breaches = 0
    const onBreach = (breach: Breach) => {
      breaches++
      console.log(options.json ? JSON.stringify(breach) : inText(breach))
    }
    const client = await pool.connect()
    try {
      const { files, lines } = await audit(client, config, onBreach, bytes => bar.advance(bytes))
      bar.end()
      if (options.json) console.log(JSON.stringify({ summary: { files, lines, breaches } }))
      else console.log(conclusion(files, lines, breaches))
    } finally {
      client.release(true)
    }
    return breaches === 0 ? EXIT.ok : EXIT.failure
  })
}

function inText({ file, line, message }: Breach): string {
  return `${paint('bold', line === null ? `${file}:` : `${file}:${line}:`)} ${message}`
}

function conclusion(files: number, lines: number, breaches: number): string {
  const read = `${count(files, 'file')}, ${count(lines, 'line')} read again`
  return breaches === 0
    ? paint('green', `${read}: every line is accounted for`)
    : paint('red', `${read}: ${count(breaches, 'difference')}`)
}
