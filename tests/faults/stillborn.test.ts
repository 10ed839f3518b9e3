import { once } from 'node:events'
import { createServer, connect as tcpConnect } from 'node:net'
import { test } from 'vitest'
import { atTestEnd } from '../support/cleanup.ts'
import { freshFolders } from '../support/folders.ts'
import { startIngestor } from '../support/ingestor.ts'
import { makeFiles, publish } from '../support/made-file.ts'
import { freshDatabase, type TestDatabase } from '../support/postgres.ts'
import { inOrder } from '../support/scene.ts'
import { until } from '../support/until.ts'

const READY_FOR_QUERY = Buffer.from('Z\0\0\0\x05I', 'latin1')
const BACKEND_KEY_DATA = Buffer.from('K\0\0\0\x0c', 'latin1')
const STILLBORN = 3

// Found by the soak, seed 20261125: nobody listened to the client yet, and its error ended the process.
test('19: sessions whose end comes in one breath with their beginning cost a retry, not the process', async () => {
  const [database, folders] = await Promise.all([freshDatabase(), freshFolders()])
  const relay = await stillbornThrough(database)
  const ingestor = startIngestor(relay, folders)
  await until('all of them to have been lost', () => relay.lost() === STILLBORN)
  const files = makeFiles(3, { seed: 430, rows: 100 })
  await publish(files, folders)
  await inOrder({ database, folders, files }, ingestor)
})

/** Hands the first sessions over together with the news that the server has ended them. */
async function stillbornThrough(database: TestDatabase) {
  const target = new URL(database.url)
  let begun = 0
  let lost = 0
  const server = createServer(client => {
    const upstream = tcpConnect(Number(target.port), target.hostname)
    client.on('error', () => undefined).on('close', () => upstream.destroy())
    upstream.on('error', () => undefined).on('close', () => client.end())
    client.on('data', bytes => upstream.write(bytes))
    let said = Buffer.of()
    let held: Buffer[] | undefined
    upstream.on('data', bytes => {
      said = Buffer.concat([said, bytes])
      if (held) held.push(bytes)
      else if (said.subarray(-READY_FOR_QUERY.length).equals(READY_FOR_QUERY) && isChosen(said)) {
        held = [bytes]
        const pid = said.readInt32BE(said.indexOf(BACKEND_KEY_DATA) + BACKEND_KEY_DATA.length)
        void database.query('select pg_terminate_backend($1)', [pid])
      } else client.write(bytes)
    })
    upstream.on('end', () => {
      if (!held) return
      lost++
      client.write(Buffer.concat(held))
    })
  })
  // The first ReadyForQuery of a session comes soon after its key; later ones do not count.
  const isChosen = (said: Buffer) => said.length < 2_000 && ++begun <= STILLBORN
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atTestEnd(() => void server.close())
  const { port } = server.address() as { port: number }
  return { env: { ...database.env, POSTGRES_PORT: String(port) }, lost: () => lost }
}
