-- The checkpoint: one row per generation of a file. A generation is one content under one name; the
-- same name with new content after it was done is the next generation.
create table ingest_files (
  file_id        bigint      primary key generated always as identity,
  file_name      text        not null,
  generation     integer     not null default 1 check (generation >= 1),

  -- What the folder showed when it was last looked at: hints, never proof.
  size_bytes     bigint      not null check (size_bytes >= 0),
  mtime_ns       bigint      not null,
  inode          numeric(20) not null,
  still_since    timestamptz not null default clock_timestamp(),

  -- How far it is loaded. tail_hash is SHA-256 of the tail_bytes bytes before byte_offset: on resume
  -- it tells the same file from another one of the same name.
  byte_offset    bigint      not null default 0 check (byte_offset >= 0),
  line_no        bigint      not null default 0 check (line_no >= 0),
  tail_bytes     integer     not null default 0 check (tail_bytes >= 0),
  tail_hash      bytea,
  columns        text[],

  lines_blank    bigint      not null default 0 check (lines_blank >= 0),
  rows_read      bigint      not null default 0 check (rows_read >= 0),
  rows_loaded    bigint      not null default 0 check (rows_loaded >= 0),
  rows_duplicate bigint      not null default 0 check (rows_duplicate >= 0),
  rows_rejected  bigint      not null default 0 check (rows_rejected >= 0),

  status         text        not null default 'pending'
                 check (status in ('pending', 'active', 'done', 'refused', 'missing', 'parked')),
  reason         text        check (reason in ('bad_name', 'not_regular_file', 'bad_header', 'changed')),
  message        text,

  -- Who works on it. epoch fences: it grows with every claim, and a commit names the one it had.
  owner          text,
  epoch          bigint      not null default 0,
  lease_until    timestamptz,
  attempts       integer     not null default 0,
  due_at         timestamptz not null default clock_timestamp(),

  discovered_at  timestamptz not null default clock_timestamp(),
  started_at     timestamptz,
  finished_at    timestamptz,
  archived_at    timestamptz,
  archived_as    text,

  unique (file_name, generation),

  constraint every_row_is_accounted_for check (rows_read = rows_loaded + rows_duplicate + rows_rejected),
  constraint every_line_is_accounted_for check (
    line_no = rows_read + lines_blank + case when line_no > 0 then 1 else 0 end),
  constraint done_means_to_the_last_byte check (status <> 'done' or byte_offset = size_bytes),
  constraint never_past_the_end check (byte_offset <= size_bytes),
  constraint active_has_an_owner check (
    (status = 'active') = (owner is not null) and (owner is null) = (lease_until is null)),
  constraint refused_says_why check ((status = 'refused') = (reason is not null))
);

-- What is left to do, in the order it is done. Finished files are not in it.
create index ingest_files_waiting on ingest_files (due_at, file_id) where status in ('pending', 'active');
create index ingest_files_to_archive on ingest_files (file_id)
  where status in ('done', 'refused') and archived_at is null;

comment on table ingest_files is 'Checkpoint: one row per generation of an input file';
comment on column ingest_files.byte_offset is 'bytes of the file whose rows are committed';
comment on column ingest_files.line_no is 'lines of the file that are committed, the header included';
comment on column ingest_files.epoch is 'fencing token: grows with every claim';
comment on column ingest_files.attempts is 'claims since the last progress; a file is parked after 3';
comment on column ingest_files.due_at is 'not to be claimed before';
comment on column ingest_files.still_since is 'since when size and mtime have been what they are';
