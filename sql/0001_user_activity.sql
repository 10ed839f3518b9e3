-- The rows themselves. `file_id` and `line_no` say where a row came from (see ingest_files).
-- No foreign key to ingest_files: it would be checked once a row, and ingest_discrepancies finds
-- what it would find.
create table user_activity (
  event_id    uuid           primary key,
  event_time  timestamptz    not null,
  event_type  text           not null check (event_type in ('view', 'purchase')),
  product_id  integer        not null check (product_id > 0),
  price       numeric(10, 2) not null check (price > 0),
  user_id     integer        not null check (user_id > 0),
  session_id  text           not null check (char_length(session_id) between 1 and 50),
  file_id     bigint         not null,
  line_no     bigint         not null,
  ingested_at timestamptz    not null default now()
);

-- Rows arrive nearly in order of both, so a block-range index serves ranges at next to no cost.
create index user_activity_event_time on user_activity using brin (event_time);
create index user_activity_file_id on user_activity using brin (file_id) with (pages_per_range = 32);

comment on table user_activity is 'One row per event, loaded exactly once';
comment on column user_activity.file_id is 'ingest_files.file_id of the file that brought the row';
comment on column user_activity.line_no is 'line of that file, the header being line 1';
comment on column user_activity.ingested_at is 'start of the transaction that loaded the row';
