import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { timed } from '../child.ts'
import { put } from '../folders.ts'
import { firstLine } from '../programs.ts'
import type { Bench, Sample } from '../question.ts'
import { ROOT } from '../services.ts'
import type { Job, Peer } from './peer.ts'
import { packageVersions, pythonOf } from './python.ts'

export const START_UP = 'start-up'

/** What the script says at its end. */
interface Said {
  readonly start_up_seconds: number
  readonly seconds: number
  readonly batches: number
}

/** The original: one file a batch, rows sent one INSERT at a time. */
export const sparkOriginal = spark('Spark as the original had it', 'original')
/** The same job with all files in one batch, and INSERTs of many rows. */
export const sparkAtItsBest = spark('Spark at its best', 'best')

function spark(name: string, mode: 'original' | 'best'): Peer {
  return {
    name,
    needs: 'Java 17, PySpark 3.5 (PyPI), and the JDBC driver of PostgreSQL (Maven) in jars/',
    takesLineage: false,
    version: versionOf,
    load: job => run(job, mode),
  }
}

async function versionOf(peersDir: string): Promise<string | undefined> {
  const driver = await driverIn(peersDir)
  const java = await firstLine('java', ['-version'])
  const pyspark = await packageVersions(peersDir, ['pyspark'])
  return driver && java && pyspark && [pyspark, java, basename(driver, '.jar')].join(', ')
}

/** Its value is the time from the start of the query to the last row; Spark's own start is apart. */
async function run({ bench, database, data, what }: Job, mode: string): Promise<Sample> {
  await put(what, data.input)
  const { host, port, name, user, password } = database
  const { stdout } = await timed(
    pythonOf(bench.peersDir),
    [
      join(ROOT, 'bench/peers/spark_original.py'),
      ...['--mode', mode, '--input', data.input, '--checkpoint', join(data.path, 'checkpoint')],
      ...['--driver', (await driverIn(bench.peersDir))!],
      ...['--url', `jdbc:postgresql://${host}:${port}/${name}`, '--user', user],
    ],
    { env: { POSTGRES_PASSWORD: password, ...offline(data.path) }, signal: bench.signal },
  )
  const said: Said = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
  return { value: said.seconds, also: { [START_UP]: said.start_up_seconds } }
}

function offline(dataPath: string): Record<string, string> {
  return { SPARK_LOCAL_IP: '127.0.0.1', SPARK_LOCAL_DIRS: join(dataPath, 'spark') }
}

async function driverIn(peersDir: Bench['peersDir']): Promise<string | undefined> {
  const jars = join(peersDir, 'jars')
  const names = await readdir(jars).catch(() => [])
  const name = names.find(name => /^postgresql-.*\.jar$/.test(name))
  return name && join(jars, name)
}
