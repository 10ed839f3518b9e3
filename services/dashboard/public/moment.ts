/** A time of day, in the reader's own time zone. */
export function clock(seconds: number): string {
  const at = new Date(seconds * 1000)
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map(part => String(part).padStart(2, '0'))
    .join(':')
}

/** The same, without seconds where there are none to tell. */
export function minutes(seconds: number): string {
  return clock(seconds).replace(/:00$/, '')
}
