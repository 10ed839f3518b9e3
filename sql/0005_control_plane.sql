-- psql as the control plane: what a person says here, every ingestor obeys within two seconds. Claims
-- ask ingest_paused themselves, so a pause needs nobody to hear of it; the notifications only save time.

create function ingest_caller() returns text language sql stable as $$
  select format('%s (%s from %s)', session_user,
                coalesce(nullif(current_setting('application_name', true), ''), 'a program without a name'),
                coalesce(host(inet_client_addr()), 'the server itself'))
$$;
comment on function ingest_caller() is 'Who is asking: role, program, address';

-- What was said, by whom and when: the history, and what of it still waits for an ingestor.
create table ingest_commands (
  command_id bigint      primary key generated always as identity,
  command    text        not null check (command in ('pause', 'resume', 'replay', 'skip')),
  file_id    bigint,
  file_name  text,
  reason     text,
  issued_by  text        not null default ingest_caller(),
  issued_at  timestamptz not null default clock_timestamp(),
  handled_by text,
  handled_at timestamptz,
  outcome    text
);
create index ingest_commands_open on ingest_commands (command_id) where handled_at is null;
comment on table ingest_commands is 'What was asked of the ingestors: by whom, when, and what came of it';

-- At most one row, and only while paused.
create table ingest_paused (
  only_one  boolean     primary key default true check (only_one),
  reason    text        not null check (reason <> ''),
  paused_by text        not null default ingest_caller(),
  paused_at timestamptz not null default clock_timestamp()
);
comment on table ingest_paused is 'Who paused the ingestors and why; empty while they work';

create function ingest_pause(reason text) returns text language plpgsql as $$
begin
  if coalesce(trim(reason), '') = '' then
    raise exception 'expected a reason, found none' using hint = 'select ingest_pause(''the disk is being moved'')';
  end if;
  insert into ingest_paused (reason) values (trim(reason))
      on conflict (only_one) do update
     set reason = excluded.reason, paused_by = excluded.paused_by, paused_at = excluded.paused_at;
  insert into ingest_commands (command, reason, handled_at) values ('pause', trim(reason), clock_timestamp());
  perform pg_notify('ingest_control', 'pause');
  return format('paused: nothing new is claimed, what is in hand is finished; %s file(s) are in hand',
                (select count(*) from ingest_files where status = 'active'));
end $$;
comment on function ingest_pause(text) is
  'Has all ingestors claim nothing more until ingest_resume(); what is in hand is finished';

create function ingest_resume() returns text language plpgsql as $$
declare
  was ingest_paused;
begin
  delete from ingest_paused returning * into was;
  if was.reason is null then return 'was not paused'; end if;
  insert into ingest_commands (command, reason, handled_at) values ('resume', was.reason, clock_timestamp());
  perform pg_notify('ingest_control', 'resume');
  return format('resumed; was paused by %s at %s: %s', was.paused_by, was.paused_at, was.reason);
end $$;
comment on function ingest_resume() is 'Ends ingest_pause()';

-- The name is the one that the file was dropped under, or the one it has in the archive.
create function ingest_replay(file text) returns text language plpgsql as $$
declare
  found_file ingest_files;
begin
  select * into found_file from ingest_files
   where (file_name = file or archived_as = file) and status = 'done' and archived_as is not null
   order by archived_as = file desc, generation desc limit 1;
  if found_file.file_id is null then
    raise exception 'expected a file that is done and in the archive, found none named %', quote_literal(file)
      using hint = 'select file_name, archived_as, status from ingest_files order by file_id desc';
  end if;
  if exists (select from ingest_commands where command = 'replay' and file_id = found_file.file_id and handled_at is null) then
    return 'asked for already';
  end if;
  insert into ingest_commands (command, file_id, file_name)
       values ('replay', found_file.file_id, found_file.file_name);
  perform pg_notify('ingest_control', 'replay');
  return format('%s is ingested again as a new generation; rows that are there already count as duplicates',
                found_file.archived_as);
end $$;
comment on function ingest_replay(text) is
  'Has an archived file ingested again, as a new generation: rows that are missing load, the others are duplicates';

create function ingest_skip(file text) returns text language plpgsql as $$
declare
  found_file ingest_files;
begin
  -- A new epoch fences whoever has it: what is in flight for this file is rolled back.
  update ingest_files
     set status = 'refused', reason = 'skipped', epoch = epoch + 1,
         message = format('skipped by %s; %s of %s bytes were loaded', ingest_caller(), byte_offset, size_bytes),
         owner = null, lease_until = null, finished_at = clock_timestamp(), archived_at = null
   where file_id = (select file_id from ingest_files
                     where file_name = file and status in ('pending', 'active', 'parked')
                     order by generation desc limit 1)
     and status in ('pending', 'active', 'parked')
  returning * into found_file;
  if found_file.file_id is null then
    raise exception 'expected a file that waits or is in work, found none named %', quote_literal(file)
      using hint = 'select file_name, status from ingest_files order by file_id desc';
  end if;
  insert into ingest_commands (command, file_id, file_name, handled_at, outcome)
       values ('skip', found_file.file_id, found_file.file_name, clock_timestamp(), found_file.message);
  perform pg_notify('ingest_control', 'skip');
  return format('%s is skipped and moves to refused/; %s row(s) of it were loaded before',
                found_file.file_name, found_file.rows_loaded);
end $$;
comment on function ingest_skip(text) is 'Gives up a file that waits, is in work or is parked: it moves to refused/';

alter table ingest_files drop constraint ingest_files_reason_check;
alter table ingest_files add constraint ingest_files_reason_check
  check (reason in ('bad_name', 'not_regular_file', 'bad_header', 'changed', 'skipped'));

create or replace view ingest_status as
select
  count(*) filter (where status = 'pending')                                as files_pending,
  count(*) filter (where status = 'active')                                 as files_active,
  count(*) filter (where status = 'done')                                   as files_done,
  count(*) filter (where status = 'refused')                                as files_refused,
  count(*) filter (where status = 'missing')                                as files_missing,
  count(*) filter (where status = 'parked')                                 as files_parked,
  count(*) filter (where status = 'done' and archived_at is null)           as files_to_archive,
  coalesce(sum(size_bytes - byte_offset) filter (where status in ('pending', 'active')), 0)::bigint
                                                                            as bytes_waiting,
  min(discovered_at) filter (where status in ('pending', 'active'))         as oldest_waiting_since,
  coalesce(sum(rows_read), 0)::bigint                                       as rows_read,
  coalesce(sum(rows_loaded), 0)::bigint                                     as rows_loaded,
  coalesce(sum(rows_duplicate), 0)::bigint                                  as rows_duplicate,
  coalesce(sum(rows_rejected), 0)::bigint                                   as rows_rejected,
  (select paused_at from ingest_paused)                                     as paused_at,
  (select paused_by from ingest_paused)                                     as paused_by,
  (select p.reason from ingest_paused p)                                    as paused_because
from ingest_files;

create view ingest_rejects_by_reason as
select e.reason, e.column_name,
       count(*) filter (where e.resolved_at is null)     as open,
       count(*) filter (where e.resolved_at is not null) as resolved,
       count(distinct e.file_id)                         as files,
       min(e.ingestion_time)                             as first_at,
       max(e.ingestion_time)                             as last_at,
       (array_agg(format('%s line %s: %s', f.file_name, e.line_no, e.error_message)
                  order by e.error_id desc))[1]          as newest
  from user_activity_errors e left join ingest_files f using (file_id)
 group by e.reason, e.column_name
 order by open desc, e.reason, e.column_name;
comment on view ingest_rejects_by_reason is 'Rejected lines by reason and column, the most frequent first, with the newest of each';

create view ingest_throughput as
select date_trunc('minute', finished_at) as minute,
       count(*)                          as files,
       sum(rows_read)::bigint            as rows_read,
       sum(rows_loaded)::bigint          as rows_loaded,
       sum(rows_duplicate)::bigint       as rows_duplicate,
       sum(rows_rejected)::bigint        as rows_rejected,
       sum(byte_offset)::bigint          as bytes,
       round(sum(rows_read) / 60.0, 1)   as rows_per_second
  from ingest_files where finished_at is not null
 group by 1 order by 1 desc;
comment on view ingest_throughput is 'What was done minute by minute, the newest first; a file counts in the minute in which it was finished';

create view ingest_latency as
with of_file as (
  select finished_at, extract(epoch from finished_at - discovered_at)::float8 as total,
         extract(epoch from started_at - discovered_at)::float8 as waited
    from ingest_files
   where status = 'done' and finished_at > clock_timestamp() - interval '1 day'
)
select span as "window", count(total) as files,
       percentile_cont(0.5) within group (order by waited) as p50_wait_seconds,
       percentile_cont(0.5) within group (order by total)  as p50_seconds,
       percentile_cont(0.95) within group (order by total) as p95_seconds,
       max(total) as max_seconds
  from unnest(array[interval '1 minute', '15 minutes', '1 hour', '1 day']) as span
  left join of_file on finished_at > clock_timestamp() - span
 group by span order by span;
comment on view ingest_latency is
  'Seconds from the discovery of a file to the commit that finished it, over the last minute to the last day; a file is finished when it has stood still for INGEST_SETTLE_SECONDS';
