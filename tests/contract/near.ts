import fc from 'fast-check'
import { COLUMNS, type Column } from '../../services/contract/event.ts'

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max })
const hex = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...'0123456789abcdefABCDEF'),
    minLength: length,
    maxLength: length,
  })

const uuid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map(parts => parts.join('-'))

const twoDigits = (most: number) =>
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc.integer({ min: 0, max: most }).map(n => String(n).padStart(2, '0')),
    },
    { weight: 1, arbitrary: digits(1, 3) },
  )
const year = fc.oneof(
  fc.constantFrom(
    '0000',
    '0001',
    '0004',
    '0099',
    '0100',
    '1582',
    '1900',
    '2000',
    '2024',
    '9999',
    '10000',
  ),
  fc.integer({ min: 0, max: 9999 }).map(n => String(n).padStart(4, '0')),
)
const date = fc.oneof(
  fc.tuple(year, twoDigits(13), twoDigits(32)).map(parts => parts.join('-')),
  fc
    .tuple(
      year,
      fc.constantFrom('01-31', '02-28', '02-29', '02-30', '04-30', '04-31', '12-31', '12-32'),
    )
    .map(parts => parts.join('-')),
)
const time = fc.tuple(twoDigits(24), twoDigits(60), twoDigits(60)).map(parts => parts.join(':'))
const fraction = fc.oneof(
  fc.constantFrom('', '', '.0', '.9999999'),
  digits(1, 7).map(text => `.${text}`),
)
const zone = fc.oneof(
  fc.constantFrom(
    '',
    '',
    'Z',
    'z',
    '+00:00',
    '-00:00',
    '+14:00',
    '-12:00',
    '+15:59',
    '-15:59',
    '+16:00',
    '+25:00',
    '+0530',
    '+05',
    ' UTC',
  ),
  fc
    .tuple(fc.constantFrom('+', '-'), twoDigits(16), twoDigits(60))
    .map(([sign, h, m]) => `${sign}${h}:${m}`),
)
const oddMoment = fc
  .tuple(date, fc.constantFrom(' ', 'T', 'T', 't', '  '), time, fraction, zone)
  .map(parts => parts.join(''))
const realMoment = fc
  .tuple(
    fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    }),
    fc.integer({ min: 0, max: 6 }),
    fc.nat(999_999),
    fc.oneof(
      fc.constantFrom(' ', 'Z'),
      fc.tuple(fc.constantFrom('+', '-'), fc.nat(15), fc.nat(59)),
    ),
  )
  .map(([at, places, micros, zone]) => {
    const [day, clock] = at.toISOString().slice(0, 19).split('T')
    const fraction = places === 0 ? '' : `.${String(micros).padStart(6, '0').slice(0, places)}`
    if (zone === ' ') return `${day} ${clock}${fraction}`
    const two = (value: unknown) => String(value).padStart(2, '0')
    return `${day}T${clock}${fraction}${zone === 'Z' ? 'Z' : `${zone[0]}${two(zone[1])}:${two(zone[2])}`}`
  })
const moment = fc.oneof(realMoment, oddMoment)

const wholeNumber = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.integer({ min: 2 ** 31 - 3, max: 2 ** 31 + 3 }).map(String),
  digits(0, 11),
  fc.nat().map(String),
)
const price = fc.oneof(
  fc.tuple(digits(0, 10), fc.constantFrom('', '.', '.'), digits(0, 4)).map(parts => parts.join('')),
  fc.constantFrom(
    '0',
    '0.0',
    '0.00',
    '0.01',
    '00.01',
    '99999999.99',
    '100000000',
    '-0',
    '-0.01',
    '1.',
    '.5',
  ),
  fc.tuple(fc.nat(), fc.nat(99)).map(([whole, cents]) => `${whole}.${cents}`),
)
const session = fc.oneof(
  // A line break would end the line, and no field may hold one.
  fc.string({ unit: 'binary', maxLength: 55 }).map(text => text.replaceAll('\n', ' ')),
  fc.string({
    unit: fc.constantFrom('😀', '\u{10FFFF}', '\u{20000}'),
    minLength: 48,
    maxLength: 52,
  }),
  fc.string({
    unit: fc.constantFrom(...' ",\'\\.N=|@+-;\u{feff}\u2028\u2029\u0085\u009b\u00a0\u007fé\0'),
    maxLength: 12,
  }),
  fc.constantFrom(
    '\\.',
    '\\N',
    '""',
    '"',
    ' a ',
    '\ufeff',
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE user_activity; --",
  ),
  fc.string({ minLength: 49, maxLength: 51 }),
)

const odd = fc.constantFrom(
  '',
  ' ',
  '+5',
  ' 5',
  '5 ',
  '0x10',
  '1e3',
  '1_000',
  'NaN',
  'Infinity',
  '-0',
  '１２',
  '٣',
  'null',
  'now',
  'infinity',
  'epoch',
  '"',
)

/** Texts that are good for a column or nearly so; what PostgreSQL itself makes of them is the test. */
export const NEAR: Record<Column, fc.Arbitrary<string>> = {
  event_id: fc.oneof(
    { weight: 6, arbitrary: uuid },
    uuid.map(text => `{${text}}`),
    uuid.map(text => text.replaceAll('-', '')),
    uuid.map(text => `${text} `),
    odd,
  ),
  event_time: fc.oneof({ weight: 9, arbitrary: moment }, odd),
  event_type: fc.constantFrom('view', 'purchase', 'VIEW', 'view ', 'purchas', '', 'unknown_event'),
  product_id: fc.oneof({ weight: 4, arbitrary: wholeNumber }, odd),
  price: fc.oneof({ weight: 4, arbitrary: price }, odd),
  user_id: fc.oneof({ weight: 4, arbitrary: wholeNumber }, odd),
  session_id: fc.oneof({ weight: 4, arbitrary: session }, odd),
}

export type Texts = Record<Column, string>

export const GOOD: Texts = {
  event_id: '018f4e9a-7c1b-7cc3-9a51-0242ac120002',
  event_time: '2026-01-02 07:15:22',
  event_type: 'view',
  product_id: '178',
  price: '393.89',
  user_id: '3804',
  session_id: '3125fa99-abf1-4419-a358-2b380b5bffbc',
}

/** A row that is good but for one column, or for as many as there are. */
export const nearRow: fc.Arbitrary<Texts> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(...COLUMNS)
      .chain(column => NEAR[column].map(text => ({ ...GOOD, [column]: text }))),
  },
  { weight: 1, arbitrary: fc.record(NEAR, { noNullPrototype: true }) },
)
