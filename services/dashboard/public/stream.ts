import type { Tick } from '../shape.ts'

/** Ticks come each second; after this long without one the line is taken for dead, whatever the browser says. */
const SILENCE_MS = 5_000
const RETRY_MS = 1_000

export interface Heard {
  onAll: (tick: Tick) => void
  onTick: (tick: Tick) => void
  /** `lost` until the next tick. */
  onLine: (state: 'live' | 'lost') => void
}

/** Listens for as long as the page is open, and begins anew whenever the line is lost. */
export function listen({ onAll, onTick, onLine }: Heard): void {
  let source: EventSource | undefined
  let silence: ReturnType<typeof setTimeout>

  const heard = (told: (tick: Tick) => void) => (event: MessageEvent<string>) => {
    clearTimeout(silence)
    silence = setTimeout(lost, SILENCE_MS)
    told(JSON.parse(event.data))
    onLine('live')
  }
  const lost = () => {
    onLine('lost')
    // A browser gives up for good on some failures: an answer that is no stream is one.
    source?.close()
    clearTimeout(silence)
    silence = setTimeout(open, RETRY_MS)
  }
  const open = () => {
    source = new EventSource('/api/stream')
    source.addEventListener('all', heard(onAll))
    source.addEventListener('tick', heard(onTick))
    source.addEventListener('error', lost)
    silence = setTimeout(lost, SILENCE_MS)
  }
  open()
}
