import pg from 'pg'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { migrations } from '../../services/runtime/migrations.ts'
import { until } from '../support/until.ts'
import { docker, execute, lines } from './docker.ts'
import { serviceOf } from './inspection.ts'
import { newStack, type Stack } from './stack.ts'

/** The tests go on from one another: one stack, whose passwords nobody chose. */
describe.skipIf(!inject('engine'))('passwords that nobody chose', () => {
  let stack: Stack
  let secrets: string[]

  beforeAll(async () => {
    stack = await newStack({ settings: { POSTGRES_PASSWORD: '', BATCH_INTERVAL: 0.5 } })
    await stack.compose('up', '-d')
    await stack.healthy('ingestor')
    await stack.healthy('dashboard')
    secrets = [await ownersPassword(), ...(await stack.madeUp())]
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{32}$/)
    expect(new Set(secrets).size).toBe(3)
  })

  const ownersPassword = async () =>
    (await stack.compose('exec', '-T', 'postgres', 'cat', '/run/secrets/owner/password')).trim()
  const psql = (user: string, sql: string) =>
    docker('exec', stack.database, 'psql', '-U', user, '-d', 'ecommerce_db', '-Atc', sql)

  it('are in no log, no process list, no inspection, no image and not in the configuration', async () => {
    await until(
      'rows',
      async () => Number(await psql('myuser', 'select count(*) from user_activity')) > 0,
    )
    const containers = await stack.containers()
    const images = await Promise.all(
      ['ingestor', 'generator'].map(async service => {
        const [container] = await stack.containers(service)
        const image = JSON.parse(await docker('inspect', container!.Id))[0].Image
        return (
          (await docker('image', 'inspect', image)) + (await docker('history', '--no-trunc', image))
        )
      }),
    )
    const running = containers.filter(({ State }) => State.Status === 'running')
    const processes = await Promise.all(
      running.map(({ Id }) => docker('top', Id, '-eo', 'pid,args')),
    )
    // The public image of PostgreSQL puts its own into its own environment: docs/security.md.
    const ours = running.filter(container => serviceOf(container) !== 'postgres')
    const environments = await Promise.all(
      ours.map(({ Id }) =>
        docker('exec', Id, 'sh', '-c', 'cat /proc/[0-9]*/environ 2>/dev/null || true'),
      ),
    )
    const places = {
      logs: await stack.compose('logs', '--no-color'),
      inspection: JSON.stringify(containers),
      configuration: await stack.compose('config'),
      images: images.join(),
      processes: processes.join(),
      environments: environments.join(),
      'log of the server': await stack.compose('logs', 'postgres'),
    }
    for (const [where, text] of Object.entries(places)) {
      expect(text.length, where).toBeGreaterThan(0)
      for (const secret of secrets) expect(text.includes(secret), where).toBe(false)
    }
  })

  it('are seen by those alone who need them, and written by nobody who stays', async () => {
    const seen = (await stack.containers()).flatMap(container =>
      container.Mounts.filter(({ Destination }) => /secrets/.test(Destination)).map(
        ({ Destination, RW }) =>
          `${serviceOf(container)} ${Destination} ${RW ? 'writes' : 'reads'}`,
      ),
    )
    expect(seen.sort()).toEqual([
      'dashboard /run/secrets/reader reads',
      'ingestor /run/secrets/writer reads',
      'migrate /run/secrets/owner reads',
      'migrate /run/secrets/reader reads',
      'migrate /run/secrets/writer reads',
      'postgres /run/secrets/owner reads',
      'prepare-secrets /secrets/owner writes',
      'prepare-secrets /secrets/reader writes',
      'prepare-secrets /secrets/writer writes',
    ])
  })

  it('each service logs in as its own role, and nobody from outside gets in without one', async () => {
    const who = await psql(
      'myuser',
      `select distinct usename, split_part(application_name, ' ', 1) from pg_stat_activity
        where backend_type = 'client backend' and client_addr is not null order by 1, 2`,
    )
    expect(lines(who)).toEqual(['ingest_reader|dashboard', 'ingest_writer|ingestor'])
    for (const user of ['myuser', 'ingest_writer', 'ingest_reader', 'postgres']) {
      await expect(connect(user, 'mypassword'), user).rejects.toMatchObject({ code: '28P01' })
    }
    await connect('myuser', secrets[0]!)
  })

  it('an ingestor that is taken over cannot go on as the owner', async () => {
    const script = `
      const pg = require('pg')
      const client = new pg.Client({ host: 'postgres', user: 'myuser', password: 'mypassword', database: 'ecommerce_db' })
      client.connect().then(() => console.log('in'), error => console.log(error.code)).finally(() => process.exit(0))`
    const said = () => stack.compose('exec', '-T', 'ingestor', 'node', '-e', script)
    // On a busy machine Docker's own name server may be late.
    const answer = await until('an answer of the server', async () => {
      const code = (await said()).trim()
      return code !== 'EAI_AGAIN' && code
    })
    expect(answer).toBe('28P01')
  })

  it('a password in .env becomes the owner’s at the next up, and services go on', async () => {
    await execute('sh', ['-c', 'echo POSTGRES_PASSWORD=of-my-own >> .env'], { cwd: stack.folder })
    await stack.compose('up', '-d')
    await stack.healthy('ingestor').catch(async error => {
      throw new Error(await stack.compose('logs', '--no-color', '--tail', '15'), { cause: error })
    })
    await connect('myuser', 'of-my-own')
    await expect(connect('myuser', secrets[0]!)).rejects.toMatchObject({ code: '28P01' })
    expect(await stack.madeUp()).toEqual(secrets.slice(1))
  })

  async function connect(user: string, password: string): Promise<void> {
    const { POSTGRES_PUBLISH_PORT } = Object.fromEntries(
      lines(await execute('cat', ['.env'], { cwd: stack.folder })).map(line => line.split('=')),
    )
    const port = Number(POSTGRES_PUBLISH_PORT)
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port, user, password },
      database: 'ecommerce_db',
    })
    await client.connect()
    await client.end()
  }
})

/** The last version before there were roles. */
const WITHOUT_ROLES = 10

describe.skipIf(!inject('engine'))('a volume from before there were roles', () => {
  it('is taken over by the next up, whatever its password was, and its rows are kept', async () => {
    const stack = await newStack({ settings: { POSTGRES_PASSWORD: '' } })
    await stack.compose('up', '-d', 'postgres')
    await stack.healthy('postgres')
    const psql = (sql: string) =>
      execute('docker', [
        ...['exec', stack.database, 'psql', '-v', 'ON_ERROR_STOP=1', '-qAt'],
        ...['-U', 'myuser', '-d', 'ecommerce_db', '-c', sql],
      ])
    await psql(
      `create table schema_migrations (version integer primary key, name text not null, hash text not null,
         applied_at timestamptz not null default now())`,
    )
    for (const { version, name, hash, sql } of migrations()) {
      if (version > WITHOUT_ROLES) continue
      await psql(sql)
      await psql(`insert into schema_migrations values (${version}, '${name}', '${hash}')`)
    }
    await psql(
      `insert into user_activity values ('018f4e9a-7c1b-7cc3-9a51-0242ac120002', now(), 'view', 1, 1, 1, 's', 0, 2)`,
    )
    await psql(`alter role myuser password 'long-forgotten'`)

    await stack.compose('up', '-d')
    await stack.healthy('ingestor')
    await stack.healthy('dashboard')
    const rows = async () => Number(await psql('select count(*) from user_activity'))
    await until('rows beside the one from before', async () => (await rows()) > 1, 30_000)
    expect(await psql('select count(*) from user_activity where file_id = 0')).toBe('1\n')
  })
})
