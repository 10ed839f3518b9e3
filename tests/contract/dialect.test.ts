import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeFileName, judgeHeader } from '../../services/contract/dialect.ts'
import { COLUMNS } from '../../services/contract/event.ts'

describe('a header', () => {
  test('is accepted with the seven columns in any order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...COLUMNS], { minLength: 7 }), names => {
        expect(judgeHeader(names)).toEqual({ ok: true, columns: names })
      }),
    )
  })

  test.each([
    [[...COLUMNS.slice(0, 6)], 'missing: "session_id"'],
    [[...COLUMNS, 'extra'], 'unknown: "extra"'],
    [[...COLUMNS, 'price'], 'repeated: "price"'],
    [['Event_ID', ...COLUMNS.slice(1)], 'missing: "event_id"; unknown: "Event_ID"'],
    [
      [' price', ...COLUMNS.filter(name => name !== 'price')],
      'missing: "price"; unknown: " price"',
    ],
    [['price', ...COLUMNS.slice(1)], 'missing: "event_id"; repeated: "price"'],
    [
      ['\u001b[2J'],
      `missing: ${COLUMNS.map(name => `"${name}"`).join(', ')}; unknown: "\\u001b[2J"`,
    ],
  ])('%j is refused, naming the difference', (names, difference) => {
    expect(judgeHeader(names)).toEqual({
      ok: false,
      message: `line 1: expected a header with the columns ${COLUMNS.join(',')}, once each in any order; ${difference}`,
    })
  })

  test('of any size is refused with a short message', () => {
    const names = Array.from({ length: 5_000 }, () => 'x'.repeat(1_000))
    const verdict = judgeHeader(names)
    expect(verdict.ok || verdict.message.length).toBeLessThan(1_500)
  })
})

describe('a file name', () => {
  test.each([
    [
      'accepted',
      ['events_1.csv', 'a.CSV', 'ä 1.csv', "x'; DROP.csv", `${'a'.repeat(196)}.csv`, '日本.csv'],
    ],
    [
      'unfinished',
      [
        '.hidden.csv',
        '_temporary',
        'a.csv.tmp',
        'a.csv.part',
        'a.csv~',
        'a.csv.SWP',
        'a.crdownload',
      ],
    ],
    [
      'bad',
      [
        'a.txt',
        'csv',
        '',
        'a\nb.csv',
        'a\u001b[31m.csv',
        'a\\b.csv',
        `${'a'.repeat(197)}.csv`,
        '\u202egpj.csv',
        'a\u2028.csv',
        'a.csv ',
      ],
    ],
  ] as const)('%s: %j', (verdict, names) => {
    expect(names.map(name => [name, judgeFileName(name)])).toEqual(
      names.map(name => [name, verdict]),
    )
  })
})
