/** Something that must never be was seen. Ends the run; everything is kept for a look. */
export class Breach extends Error {
  readonly found: readonly string[]

  /** @param where what was looked at; @param found each breach in words */
  constructor(where: string, found: readonly string[]) {
    super(where)
    this.name = 'Breach'
    this.found = found
  }
}
