create view ingest_status as
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
  coalesce(sum(rows_rejected), 0)::bigint                                   as rows_rejected
from ingest_files;

comment on view ingest_status is 'How things stand, in one row';

-- What the checkpoint says against what the tables hold, file by file. Empty when all is well.
create view ingest_discrepancies as
with loaded as (
  select file_id, count(*) as n from user_activity group by file_id
), rejected as (
  select file_id, count(*) as n from user_activity_errors where resolved_at is null group by file_id
)
select file_id, f.file_name, f.generation, 'rows_loaded' as what,
       coalesce(f.rows_loaded, 0) as expected, coalesce(l.n, 0) as found
  from ingest_files f full join loaded l using (file_id)
 where coalesce(f.rows_loaded, 0) <> coalesce(l.n, 0)
union all
select file_id, f.file_name, f.generation, 'rows_rejected',
       coalesce(f.rows_rejected, 0), coalesce(r.n, 0)
  from ingest_files f full join rejected r using (file_id)
 where coalesce(f.rows_rejected, 0) <> coalesce(r.n, 0);

comment on view ingest_discrepancies is 'Files whose counters differ from the rows in the tables; empty when all is well';
