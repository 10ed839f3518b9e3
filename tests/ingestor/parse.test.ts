import assert from 'node:assert/strict'
import { parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLine } from '../../services/ingestor/parse.ts'

const fieldsOf = (line: string | Buffer) => {
  const parsed = parseLine(Buffer.from(line as string))
  return parsed.ok ? parsed.fields : parsed.reason
}

const awkward = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', ',', ' ', '\\', '\ufeff', '\u2028', "'", '.', 'N', 'é', '😀'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
})
const printable = awkward.map(text => text.replace(/[\x00-\x1f\x7f]/g, '-'))

describe('the fields of a line', () => {
  test('without quotes are those that csv-parse finds', () => {
    fc.assert(
      fc.property(fc.array(printable, { minLength: 1, maxLength: 9 }), fields => {
        const line = fields.join(',').replaceAll('"', "'")
        if (line === '') return
        assert.deepEqual(
          fieldsOf(line),
          parse(line, { record_delimiter: '\n', relax_column_count: true })[0],
        )
      }),
      { numRuns: 1_000 },
    )
  })

  test('are those that a writer of RFC 4180 quoted', () => {
    fc.assert(
      fc.property(
        fc.array(printable, { minLength: 1, maxLength: 9 }),
        fc.boolean(),
        (fields, quoted) => {
          const line = stringify([fields], { quoted, record_delimiter: '\n' }).slice(0, -1)
          if (line === '') return
          assert.deepEqual(fieldsOf(line), fields)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('are told or the line is rejected, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        const parsed = parseLine(Buffer.from(bytes))
        if (!parsed.ok) return
        const text = Buffer.from(bytes).toString()
        // Nothing was repaired: a good line is its own decoding.
        assert.ok(Buffer.from(text).equals(bytes))
        if (!text.includes('"')) assert.equal(parsed.fields.join(','), text)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each<[string, string | Buffer, string[] | string, string?]>([
    ['a quoted comma', 'a,"b,c",d', ['a', 'b,c', 'd']],
    ['doubled quotes', '"a""b",""""', ['a"b', '"']],
    ['an empty quoted field', '"",a', ['', 'a']],
    ['spaces at both ends', ' a , b ', [' a ', ' b ']],
    ['a BOM inside the file', '\ufeffa,b', ['\ufeffa', 'b']],
    ['a line separator of Unicode', 'a\u2028b', ['a\u2028b']],
    ['backslashes', '\\.,\\N,a\\,b', ['\\.', '\\N', 'a\\', 'b']],
    [
      'an unclosed quote',
      'a,"b',
      'bad_quote',
      'expected fields quoted as in RFC 4180, found a quote that is never closed',
    ],
    [
      'a quote inside a field',
      'a,b"c',
      'bad_quote',
      'expected fields quoted as in RFC 4180, found a quote inside a field that does not begin with one, or text after a closing one',
    ],
    [
      'text after a closing quote',
      '"a"b',
      'bad_quote',
      'expected fields quoted as in RFC 4180, found a quote inside a field that does not begin with one, or text after a closing one',
    ],
    ['a space before a quote', 'a, "b"', 'bad_quote'],
    ['a backslash before a quote', '"a\\"b"', 'bad_quote'],
    ['a lone quote', '"', 'bad_quote'],
    ['a NUL byte', 'a\0b', 'nul_byte', 'byte 2 of the line: expected no NUL byte, found one'],
    ['a NUL byte in bad UTF-8', Buffer.from([0xff, 0]), 'nul_byte'],
    [
      'a byte of Latin-1',
      Buffer.from([97, 98, 0xe9, 99]),
      'invalid_utf8',
      'byte 3 of the line: expected UTF-8, found other bytes',
    ],
    [
      'an overlong encoding',
      Buffer.from([97, 0xc0, 0xaf]),
      'invalid_utf8',
      'byte 2 of the line: expected UTF-8, found other bytes',
    ],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80]), 'invalid_utf8'],
    ['a character cut short', Buffer.from([97, 0xf0, 0x9f]), 'invalid_utf8'],
    [
      'a lone CR',
      'é,\rb',
      'lone_cr',
      'byte 4 of the line: expected no control character, found "\\r"',
    ],
    [
      'a lone CR after a tab',
      'a\tb\rc',
      'lone_cr',
      'byte 4 of the line: expected no control character, found "\\r"',
    ],
    [
      'a tab',
      'a\tb',
      'control_character',
      'byte 2 of the line: expected no control character, found "\\t"',
    ],
    [
      'an escape',
      'é\u001b[2J',
      'control_character',
      'byte 3 of the line: expected no control character, found "\\u001b"',
    ],
    [
      'DEL',
      'a\x7f',
      'control_character',
      'byte 2 of the line: expected no control character, found "\\u007f"',
    ],
  ])('with %s', (_, line, expected, message) => {
    expect(fieldsOf(line)).toEqual(expected)
    if (message) expect(parseLine(Buffer.from(line as string))).toMatchObject({ message })
  })
})
