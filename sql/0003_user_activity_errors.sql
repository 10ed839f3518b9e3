-- The quarantine: every rejected line with its place, its reason and its bytes.
create table user_activity_errors (
  error_id       bigint      primary key generated always as identity,
  file_id        bigint      not null,
  line_no        bigint      not null check (line_no > 1),
  byte_offset    bigint      not null check (byte_offset >= 0),
  reason         text        not null check (reason in (
    'line_too_long', 'nul_byte', 'invalid_utf8', 'lone_cr', 'control_character', 'bad_quote',
    'column_count', 'empty_field', 'bad_uuid', 'bad_timestamp', 'unknown_event_type', 'not_a_number',
    'out_of_range', 'too_long', 'id_conflict', 'refused_by_database')),
  column_name    text,
  error_message  text        not null,
  raw_line       bytea       not null,
  ingestion_time timestamptz not null default now(),
  resolved_at    timestamptz,
  unique (file_id, line_no)
);

comment on table user_activity_errors is 'Quarantine: rejected lines, each with its reason';
comment on column user_activity_errors.raw_line is
  'the line without its end; read it with encode(raw_line, ''escape''). Over-long lines are cut at 8 KiB';
