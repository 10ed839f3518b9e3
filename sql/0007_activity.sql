-- What the dashboard shows and the checkpoint does not say: who is at work, and where the time goes.
-- Written by each ingestor about once a second, beside the transactions that load, and never read by
-- one: a second of it that is lost costs a point of a chart, no row.
create table ingestors (
  owner          text        primary key,
  started_at     timestamptz not null default clock_timestamp(),
  seen_at        timestamptz not null default clock_timestamp(),
  stopped_at     timestamptz,
  rows_in_flight bigint      not null default 0 check (rows_in_flight >= 0)
);

create table ingest_activity (
  at             timestamptz not null default clock_timestamp(),
  owner          text        not null,
  batches        integer     not null,
  rows_loaded    bigint      not null,
  rows_duplicate bigint      not null,
  rows_rejected  bigint      not null,
  bytes          bigint      not null,
  takeovers      integer     not null,
  read_ms        real        not null,
  judge_ms       real        not null,
  load_ms        real        not null,
  commit_ms      real        not null,
  latencies_ms   real[]      not null,
  primary key (at, owner)
);

-- The owner of a claim is forgotten when the file is done; who had it last is not.
alter table ingest_files add column claimed_by text;
-- Between started_at and loaded_at is the work; between loaded_at and finished_at the file was watched.
alter table ingest_files add column loaded_at timestamptz;

-- What ended lately, without a look at all that ever did.
create index ingest_files_finished on ingest_files (finished_at) where finished_at is not null;

comment on table ingestors is 'One row per ingestor process of the last hour; seen_at is at most some seconds old while it lives';
comment on column ingestors.rows_in_flight is 'rows that are read and judged, and not committed yet';
comment on table ingest_activity is 'What each ingestor did, about a row a second; kept for an hour';
comment on column ingest_activity.latencies_ms is
  'of files whose last row was committed: milliseconds since they were found, or last changed; at most 500 of a second';
comment on column ingest_activity.takeovers is 'files taken from an owner whose lease had run out';
comment on column ingest_files.claimed_by is 'owner of the newest claim';
comment on column ingest_files.loaded_at is 'when rows of the file were last committed';
