import { startPostgres } from '../../services/local/postgres.ts'

/** A starter to be killed: starts a server in the folder given, says where it is, and stays. */
const [folder = ''] = process.argv.slice(2)
const server = await startPostgres({ folder, user: 'tester', port: 0, prefer: 'embedded' })
const { user, password, host, port } = server
const url = `postgres://${user}:${password}@${host}:${port}/postgres`
console.error(JSON.stringify({ msg: 'serving', url, port, folder: server.folder }))
process.on('SIGTERM', () => server.stop())
