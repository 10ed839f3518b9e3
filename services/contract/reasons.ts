/**
 * Why a line was rejected. A closed set: it is the `reason` column of `user_activity_errors` (a check
 * constraint there holds the same names), a metric label, and what tests walk through one by one.
 * Listed in the order in which they are looked for; the first that holds names the reject.
 */
export const REJECT_REASONS = {
  line_too_long: 'the line is longer than the limit',
  nul_byte: 'the line holds a NUL byte',
  invalid_utf8: 'the line is not valid UTF-8',
  lone_cr: 'a carriage return stands inside the line',
  control_character: 'a control character stands in the line',
  bad_quote: 'a quote is unclosed or stands where none may',
  column_count: 'the line does not have as many fields as the header',
  empty_field: 'a required field is empty',
  bad_uuid: 'event_id is not a UUID',
  bad_timestamp: 'event_time is not a real moment in an accepted form',
  unknown_event_type: 'event_type is not one of the known types',
  not_a_number: 'a number field is not written as a plain number',
  out_of_range: 'a number is outside what its column holds',
  too_long: 'a text is longer than its column allows',
  id_conflict: 'the same event_id is already there with other content',
  refused_by_database: 'a constraint or trigger of the database refused the row',
} as const

export type RejectReason = keyof typeof REJECT_REASONS

/** Why a whole file was refused: the `reason` of a row of `ingest_files` whose status is `refused`. */
export const REFUSE_REASONS = {
  bad_name: 'the file name is not acceptable',
  not_regular_file: 'it is not a regular file',
  bad_header: 'the header does not name the seven columns',
  changed: 'the file was replaced or truncated while it was being read',
  skipped: 'a person gave it up, with ingest_skip()',
} as const

export type RefuseReason = keyof typeof REFUSE_REASONS
