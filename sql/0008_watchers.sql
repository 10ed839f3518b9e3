-- An ingestor that hears no events of its folder delivers all the same, by listing it, only later: a
-- person should see that it is so, and why, wherever they look.
alter table ingestors add column watch_fault text;
comment on column ingestors.watch_fault is
  'why it hears of no new files and finds them by listing the folder; null while it hears of them, or was told to list';

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
  (select p.reason from ingest_paused p)                                    as paused_because,
  -- One that lives tells of itself every 4 seconds at least.
  (select count(*) from ingestors
    where stopped_at is null and seen_at > clock_timestamp() - interval '12 s')
                                                                            as ingestors_at_work,
  (select string_agg(distinct watch_fault, '; ') from ingestors
    where stopped_at is null and seen_at > clock_timestamp() - interval '12 s')
                                                                            as watch_faults
from ingest_files;
