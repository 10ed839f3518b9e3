import { z } from 'zod'
import type { RejectReason } from './reasons.ts'

export const COLUMNS = [
  'event_id',
  'event_time',
  'event_type',
  'product_id',
  'price',
  'user_id',
  'session_id',
] as const

export type Column = (typeof COLUMNS)[number]

export const EVENT_TYPES = ['view', 'purchase'] as const
export const MAX_INTEGER = 2_147_483_647
export const MAX_SESSION_ID_CHARS = 50

/** What each column accepts, in words for a person; a reject's message quotes it. */
export const EXPECTED: Record<Column, string> = {
  event_id: 'a UUID such as 018f4e9a-7c1b-7cc3-9a51-0242ac120002',
  event_time: 'YYYY-MM-DD HH:MM:SS[.ffffff] (taken as UTC), or ISO 8601 with Z or an offset',
  event_type: EVENT_TYPES.join(' or '),
  product_id: `a whole number from 1 to ${MAX_INTEGER}`,
  price: 'a decimal above 0 with at most 8 digits before and 2 after the point',
  user_id: `a whole number from 1 to ${MAX_INTEGER}`,
  session_id: `1 to ${MAX_SESSION_ID_CHARS} characters, none of them a control character`,
}

// A check's message is the reason; `abort` stops at the first one that fails, so that the reason of
// a field is the first rule it breaks. Every value stays the text it was: nothing is coerced.
const rule = (reason: RejectReason) => ({ error: reason, abort: true })
const filled = z.string().min(1, rule('empty_field'))

const wholeNumber = filled
  .regex(/^(?:0|-?[1-9]\d*)$/, rule('not_a_number'))
  .refine(text => Number(text) >= 1 && Number(text) <= MAX_INTEGER, rule('out_of_range'))

/** One good row, as the seven texts that stood in the file. The only authority on what a good row is. */
export const eventSchema = z.strictObject({
  event_id: filled.regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, rule('bad_uuid')),
  event_time: filled.refine(isMoment, rule('bad_timestamp')),
  event_type: filled.refine(
    text => EVENT_TYPES.includes(text as never),
    rule('unknown_event_type'),
  ),
  product_id: wholeNumber,
  price: filled
    .regex(/^(?!-0+(?:\.0+)?$)-?(?:0|[1-9]\d*)(?:\.\d+)?$/, rule('not_a_number'))
    .regex(/^(?=.*[1-9])\d{1,8}(?:\.\d{1,2})?$/, rule('out_of_range')),
  user_id: wholeNumber,
  session_id: filled
    .refine(text => [...text].length <= MAX_SESSION_ID_CHARS, rule('too_long'))
    .regex(/^\P{Cc}*$/u, rule('control_character')),
})

export type Event = z.infer<typeof eventSchema>

/**
 * The form that nearly every line has, as the source of a regular expression: seven unquoted fields
 * in the usual order. Whatever it matches `eventSchema` accepts as it stands (a property test holds
 * them to that), so a reader may take such a line without asking; what it does not match,
 * `eventSchema` decides.
 */
export const COMMON_LINE = [
  '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
  // Every real date but 29 February, whose year it takes arithmetic to judge.
  '[1-9]\\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)' +
    '(?: (?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?|T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?Z)',
  `(?:${EVENT_TYPES.join('|')})`,
  '[1-9]\\d{0,8}',
  '(?:[1-9]\\d{0,7}(?:\\.\\d{1,2})?|0\\.(?:[1-9]\\d?|0[1-9]))',
  '[1-9]\\d{0,8}',
  `[\\w.:~+/=@-]{1,${MAX_SESSION_ID_CHARS}}`,
].join(',')

const MOMENT =
  /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?|T(\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?(?:Z|[+-](\d\d):(\d\d)))$/

// A `Date` would turn 30 February into 1 March, and PostgreSQL takes 24:00 and a second 60 by
// rolling over; a moment that has to be moved to become real is not what the writer meant.
// PostgreSQL's own limit for an offset is below 16 hours.
function isMoment(text: string): boolean {
  const part = MOMENT.exec(text)
  if (!part) return false
  const [year, month, day] = [Number(part[1]), Number(part[2]), Number(part[3])]
  const [hour, minute, second] = [part[4] ?? part[7], part[5] ?? part[8], part[6] ?? part[9]]
  return (
    year >= 1 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysIn(year, month) &&
    Number(hour) <= 23 &&
    Number(minute) <= 59 &&
    Number(second) <= 59 &&
    Number(part[10] ?? 0) <= 15 &&
    Number(part[11] ?? 0) <= 59
  )
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}
