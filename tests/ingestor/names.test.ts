import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_FILE_NAME_BYTES } from '../../services/contract/dialect.ts'
import { escapeName, numbered, storedName, unescapeName } from '../../services/ingestor/names.ts'

const fileName = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 255 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
  )

  .map(name => Buffer.from(Buffer.from(name as string).filter(byte => byte !== 0 && byte !== 0x2f)))
  .filter(name => name.length > 0)

describe('the name of a file', () => {
  test('is stored so that the same bytes can be had back, printable whatever they are', () => {
    fc.assert(
      fc.property(fileName, raw => {
        expect(unescapeName(escapeName(raw)).equals(raw)).toBe(true)
        expect(escapeName(raw)).toMatch(/^[\x21-\x7e]*$/)
      }),
    )
  })

  test('is never stored as another one is', () => {
    fc.assert(
      fc.property(fc.array(fileName, { minLength: 2, maxLength: 20 }), names => {
        const distinct = new Set(names.map(name => name.toString('latin1')))
        expect(new Set(names.map(name => storedName(name).name)).size).toBe(distinct.size)
      }),
    )
  })

  test.each([
    ['a line break', 'a\nb.csv', 'a\\x0ab.csv'],
    ['an ANSI escape', 'a\u001b[31m.csv', 'a\\x1b[31m.csv'],
    ['a backslash', 'a\\x0a.csv', 'a\\x5cx0a.csv'],
    ['another ending', 'ä.txt', '\\xc3\\xa4.txt'],
    ['invalid UTF-8', Buffer.from([0xff, 0x2e, 0x63, 0x73, 0x76]), '\\xff.csv'],
  ])('with %s is bad and escaped', (_, name, stored) => {
    expect(storedName(Buffer.from(name as string))).toEqual({ name: stored, verdict: 'bad' })
  })

  test('in the archive has a bounded length and says which of its kind it is', () => {
    expect(numbered('a.csv', 1)).toBe('a.csv')
    expect(numbered('a.csv', 2)).toBe('a.2.csv')
    expect(numbered('A.CSV', 3)).toBe('A.3.CSV')
    expect(numbered('report.txt', 2)).toBe('report.txt.2')
    fc.assert(
      fc.property(fileName, fc.integer({ min: 1, max: 1e9 }), (raw, number) => {
        const name = numbered(storedName(raw).name, number)
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(MAX_FILE_NAME_BYTES + 11)
        expect(name).not.toContain('/')
      }),
    )
  })
})
