import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COLUMNS, COMMON_LINE, type Column, eventSchema } from '../../services/contract/event.ts'
import { REJECT_REASONS, type RejectReason } from '../../services/contract/reasons.ts'
import { parseLine } from '../../services/ingestor/parse.ts'
import { validate } from '../../services/ingestor/validate.ts'
import { GOOD, NEAR, nearRow } from './near.ts'

/** Why a text is not accepted in a column; null where it is. */
function reasonOf(column: Column, text: string): RejectReason | null {
  const result = eventSchema.safeParse({ ...GOOD, [column]: text })
  if (result.success) return null
  expect(result.error.issues).toHaveLength(1)
  return result.error.issues[0]!.message as RejectReason
}

describe('what each column accepts', () => {
  test.each<[Column, string[]]>([
    ['event_id', ['00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF']],
    [
      'event_time',
      [
        '2026-01-02 07:15:22',
        '2026-01-02 07:15:22.1',
        '2026-01-02 07:15:22.123456',
        '2026-01-02T07:15:22Z',
        '2026-01-02T07:15:22.123456+05:30',
        '2026-01-02T07:15:22-00:00',
        '2024-02-29 00:00:00',
        '2000-02-29 00:00:00',
        '0001-01-01 00:00:00',
        '9999-12-31 23:59:59.999999',
        '0001-01-01T00:00:00+15:59',
        '9999-12-31T23:59:59-15:59',
      ],
    ],
    ['event_type', ['view', 'purchase']],
    ['product_id', ['1', '2147483647']],
    ['price', ['0.01', '0.1', '1', '1.5', '99999999.99', '10000000']],
    ['user_id', ['1', '2147483647']],
    [
      'session_id',
      [
        'x',
        ' ',
        '\\.',
        '\\N',
        "=cmd|'/C calc'!A0",
        "'; DROP TABLE x; --",
        'é',
        '\u2028',
        '😀'.repeat(50),
      ],
    ],
  ])('%s: %j', (column, texts) => {
    expect(texts.map(text => [text, reasonOf(column, text)])).toEqual(
      texts.map(text => [text, null]),
    )
  })

  test.each<[Column, RejectReason, string[]]>([
    ['event_id', 'empty_field', ['']],
    [
      'event_id',
      'bad_uuid',
      [
        '{018f4e9a-7c1b-7cc3-9a51-0242ac120002}',
        '018f4e9a7c1b7cc39a510242ac120002',
        ' 018f4e9a-7c1b-7cc3-9a51-0242ac120002',
        '018f4e9a-7c1b-7cc3-9a51-0242ac12000g',
        'x',
      ],
    ],
    ['event_time', 'empty_field', ['']],
    [
      'event_time',
      'bad_timestamp',
      [
        '2024-02-30 00:00:00',
        '2023-02-29 00:00:00',
        '1900-02-29 00:00:00',
        '2026-01-02',
        '2026-01-02 07:15',
        '0000-01-01 00:00:00',
        '2026-01-02 24:00:00',
        '2016-12-31 23:59:60',
        '2026-01-02T07:15:22+25:00',
        '2026-01-02T07:15:22+16:00',
        '2026-01-02T07:15:22+05:60',
        '2026-01-02T07:15:22',
        '2026-01-02 07:15:22Z',
        '2026-01-02 07:15:22.1234567',
        '2026-01-02 07:15:22.',
        '2026-13-02 07:15:22',
        '2026-00-02 07:15:22',
        '2026-01-00 07:15:22',
        '26-01-02 07:15:22',
        '02/01/2026 07:15:22',
        '２026-01-02 07:15:22',
        'now',
        'infinity',
        'epoch',
        '1767338122',
      ],
    ],
    ['event_type', 'empty_field', ['']],
    ['event_type', 'unknown_event_type', ['unknown_event', 'VIEW', 'view ', 'toString']],
    ['product_id', 'empty_field', ['']],
    [
      'product_id',
      'not_a_number',
      [
        '0x10',
        ' 5',
        '5 ',
        '+5',
        '1e3',
        '1e400',
        'NaN',
        'Infinity',
        '-0',
        '１２',
        '٣',
        '01',
        '1.0',
        '1_000',
        '1,000',
        '--1',
      ],
    ],
    ['product_id', 'out_of_range', ['0', '-1', '2147483648', '9'.repeat(400)]],
    ['price', 'empty_field', ['']],
    [
      'price',
      'not_a_number',
      [
        '0x10',
        ' 5',
        '5 ',
        '+5',
        '1e3',
        '1e400',
        'NaN',
        'Infinity',
        '-0',
        '-0.00',
        '１２',
        '01.5',
        '1.',
        '.5',
        '1,5',
        '$5',
        '1_0',
      ],
    ],
    [
      'price',
      'out_of_range',
      ['0', '0.00', '-50.0', '100000000', '1.001', '0.001', '9'.repeat(400)],
    ],
    ['user_id', 'out_of_range', ['0', '-1', '2147483648']],
    ['session_id', 'empty_field', ['']],
    ['session_id', 'too_long', ['x'.repeat(51), '😀'.repeat(51)]],
    [
      'session_id',
      'control_character',
      ['a\tb', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\u0085b', 'a\u009bb'],
    ],
  ])('%s: %s for %j', (column, reason, texts) => {
    expect(texts.map(text => [text, reasonOf(column, text)])).toEqual(
      texts.map(text => [text, reason]),
    )
  })

  test('whatever the text, a reject has one reason of the closed set', () => {
    fc.assert(
      fc.property(fc.constantFrom(...COLUMNS), fc.string({ unit: 'binary' }), (column, text) => {
        const reason = reasonOf(column, text)
        assert.ok(reason === null || reason in REJECT_REASONS)
      }),
    )
  })
})

describe('the common form of a line', () => {
  const common = new RegExp(`^${COMMON_LINE}$`)

  test('the schema accepts whatever it matches, with the same fields', () => {
    fc.assert(
      fc.property(nearRow, row => {
        const line = COLUMNS.map(column => row[column]).join(',')
        if (!common.test(line)) return
        const parsed = parseLine(Buffer.from(line))
        assert.ok(parsed.ok)
        assert.deepEqual(validate(parsed.fields, COLUMNS), { ok: true, event: row })
      }),
      { numRuns: 5_000 },
    )
  })

  test.each(COLUMNS)('the schema accepts every %s that stands in a line it matches', column => {
    let matched = 0
    fc.assert(
      fc.property(NEAR[column], text => {
        if (!common.test(COLUMNS.map(name => (name === column ? text : GOOD[name])).join(',')))
          return
        matched++
        assert.equal(reasonOf(column, text), null)
      }),
      { numRuns: 3_000 },
    )
    expect(matched).toBeGreaterThan(100)
  })

  test('it matches no day that is not in the calendar', () => {
    const two = (n: number) => String(n).padStart(2, '0')
    let matched = 0
    for (const year of ['1900', '2000', '2023', '2024', '9999'])
      for (let month = 0; month <= 13; month++)
        for (let day = 0; day <= 32; day++) {
          const event_time = `${year}-${two(month)}-${two(day)} 07:15:22`
          if (!common.test(COLUMNS.map(name => ({ ...GOOD, event_time })[name]).join(','))) continue
          matched++
          expect([event_time, reasonOf('event_time', event_time)]).toEqual([event_time, null])
        }
    expect(matched).toBe(5 * 365)
  })

  test('it matches the rows that the generator of the original wrote', () => {
    expect(COLUMNS.map(column => GOOD[column]).join(',')).toMatch(common)
  })
})
