/** Time in whole microseconds since 1970. A run that is to be repeated brings its own. */
export interface Clock {
  now(): number
  /** Told how many events have been made, so that a clock can be moved by them alone. */
  pass(events: number): void
}

/** The system's clock, standing still where that one is set back: file names keep their order. */
export function systemClock(): Clock {
  let latest = 0
  return {
    now: () => {
      latest = Math.max(latest, Date.now() * 1000)
      return latest
    },
    pass: () => undefined,
  }
}

/** A clock that moves only with the events: the same run reads the same times, byte for byte. */
export function steppedClock(startMicros: number, microsPerEvent: number): Clock {
  let micros = startMicros
  return {
    now: () => Math.floor(micros),
    pass: events => {
      micros += events * microsPerEvent
    },
  }
}
