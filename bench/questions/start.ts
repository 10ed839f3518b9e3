import { freePort } from '../../services/local/port.ts'
import { startChild } from '../child.ts'
import { withFresh } from '../clean-start.ts'
import type { Question, Side } from '../question.ts'
import { figure, inTurn } from '../rounds.ts'
import { service } from '../services.ts'

export const start: Question = {
  name: 'start',
  title: 'From the start of the process to ready',
  async ask(bench) {
    const { sizes, say, signal } = bench
    const side: Side = {
      name: 'ingestor',
      run: () =>
        withFresh(bench, async (database, data) => {
          const port = await freePort(0)
          const { command, args } = await service('ingest')
          const env = { ...database.env, DATA_DIR: data.path, METRICS_PORT: `${port}` }
          const startedMs = performance.now()
          const child = startChild(command, [...args, 'run'], { env, signal })
          while (!(await isReady(port))) {
            if (child.hasEnded()) throw new Error(`it ended: ${child.stderr()}`)
          }
          const seconds = (performance.now() - startedMs) / 1000
          const memoryMb = child.memoryMb()
          child.process.kill('SIGTERM')
          await child.closed
          return { value: seconds, memoryMb }
        }),
    }
    const [ingestor] = await inTurn([side], sizes.rounds, say)
    return {
      unit: 's',
      sides: [ingestor!],
      verdicts: [figure('start to ready', { at: 'most', value: 1 }, 's', ingestor!)],
      notes: ['With the database up, until `/readyz` first answers 200.'],
    }
  },
}

const ASK_EVERY_MS = 5

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
  await answer?.arrayBuffer()
  if (answer?.status === 200) return true
  await new Promise(resolve => setTimeout(resolve, ASK_EVERY_MS))
  return false
}
