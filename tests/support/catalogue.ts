/**
 * The catalogue of faults: everything that is known to happen to a system of this kind, by number. A
 * test says which it causes by beginning its name, or that of its `describe`, with their numbers:
 * `42: …`, `44 and 45: …`, `11-13: …`. docs/reliability.md is the same list with the tests beside it.
 */
export const CATALOGUE: Readonly<Record<number, string>> = {
  1: 'killed after the claim',
  2: 'killed in the middle of reading',
  3: 'killed after BEGIN',
  4: 'killed after the compare-and-set',
  5: 'killed after COPY',
  6: 'killed with COMMIT sent',
  7: 'killed after COMMIT',
  8: 'killed before the archive',
  9: 'killed between the move to the archive and its mark',
  10: 'killed at random, one to four ingestors',
  11: 'frozen with a transaction idle',
  12: 'frozen in the middle of COPY',
  13: 'frozen between batches, longer than the lease',
  14: 'SIGTERM in the middle of a batch',
  15: 'a second SIGTERM',
  16: 'a line of 1 GB in 192 MB of memory',
  17: 'a defect of the program',
  18: 'the generator killed while it writes',
  19: 'an idle session is terminated',
  20: 'a session is terminated in the middle of COPY',
  21: 'the answer to COMMIT is lost',
  22: 'COMMIT never arrives',
  23: 'COMMIT arrives five seconds late',
  24: 'the server stops at once and starts, again and again',
  25: 'a backend is killed, and the server ends all others',
  26: 'the connection falls silent',
  27: '300 ms on the way; a twentieth of the packets lost',
  28: 'the connection is reset',
  29: 'the disk under PostgreSQL is full',
  30: 'no connection is free',
  31: 'a deadlock with a stranger',
  32: 'a foreign lock on a row of the checkpoint',
  33: 'the database has become read-only',
  34: 'a right is missing; password, user or database are wrong',
  35: 'an empty volume and a server that starts slowly',
  36: 'the schema is older or newer than the program',
  37: '20,000 files renamed into place at once',
  38: 'files that were there before, and that come during, the start',
  39: 'the watcher is dead',
  40: 'tiny files by the thousand, empty ones, a header alone',
  41: 'the same name again with other content',
  42: 'a file is replaced or truncated while it is ingested',
  43: 'a file grows slowly, and pauses inside a line',
  44: 'not a regular file',
  45: 'a name that is none',
  46: 'no right to read; the archive read-only, full, or elsewhere',
  47: 'reads that fail or come short',
  48: 'deleted while it is read, or before the archive',
  49: 'a clock that is a day off',
  50: 'two ingestors are offered the same file',
  51: 'a file that ends its process each time',
  52: 'the same content under another name',
  53: 'invalid UTF-8',
  54: 'a NUL byte',
  55: 'a line over the limit',
  56: 'more or fewer columns',
  57: 'a stray or unclosed quote',
  58: 'an empty field',
  59: 'numbers that are none',
  60: 'moments that are none',
  61: 'an unknown type, a bad id',
  62: 'numbers out of range',
  63: 'a lone CR',
  64: 'control characters',
  65: 'a BOM is accepted',
  66: 'LF and CRLF mixed are accepted',
  67: 'no line end at the end is accepted',
  68: 'quoted fields are accepted',
  69: 'columns missing, twice, unknown, or in another order',
  70: 'formulas, SQL, and what COPY might take for its own',
  71: 'a row that only PostgreSQL refuses',
  72: 'the same event_id twice',
  73: 'flipped bits and spliced pieces',
}

const NUMBERS = /^(\d+(?:(?:-|, | and )\d+)*): /

/** The rows that a name claims: `['42: a file', 'is gone']` gives [42]; the innermost name has the word. */
export function rowsOf(names: readonly string[]): number[] {
  const claim = names.flatMap(name => NUMBERS.exec(name)?.[1] ?? []).at(-1)
  return (claim?.split(/, | and /) ?? []).flatMap(part => {
    const [from, to = from] = part.split('-').map(Number)
    return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index)
  })
}

/** `1-3, 7` */
export function shortened(rows: readonly number[]): string {
  const runs: [from: number, to: number][] = []
  for (const row of rows) {
    const last = runs.at(-1)
    if (last?.[1] === row - 1) last[1] = row
    else runs.push([row, row])
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ') || 'none'
}
