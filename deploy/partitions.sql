-- Keeps user_activity in one partition a month, so that old months can be taken away in an instant:
--   psql -d ecommerce_db -f deploy/partitions.sql          after the migrations, while nothing is loaded
--   select ingest_partition_month('2026-12-01');           before that month begins; by cron
--   alter table user_activity detach partition user_activity_2026_01 concurrently;
-- The ingestors see no difference: they are not stopped, and need no setting.
--
-- By the key, not by event_time: only so can the key go on saying that each event is there once. A
-- UUIDv7 begins with its milliseconds, so a range of ids is a range of time. Other ids (UUIDv4) are
-- welcome and go to user_activity_rest. What this does not do: docs/scaling.md, "Partitions".
begin;

create function ingest_first_id(of timestamptz) returns uuid language sql immutable as $$
  select (lpad(to_hex((extract(epoch from of) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
comment on function ingest_first_id(timestamptz) is 'The least UUID that a UUIDv7 of that moment can be';

alter table user_activity rename to user_activity_rest;
create table user_activity (like user_activity_rest including all) partition by range (event_id);
comment on table user_activity is 'One row per event, loaded exactly once';

create function ingest_partition_month(month date) returns text language plpgsql as $$
declare
  starts  timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends    timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  wanted  text := 'user_activity_' || to_char(month, 'YYYY_MM');
begin
  if to_regclass(wanted) is not null then return wanted || ' is there already'; end if;
  execute format('create table %I partition of user_activity for values from (%L) to (%L)',
                 wanted, ingest_first_id(starts), ingest_first_id(ends));
  return wanted;
end $$;
comment on function ingest_partition_month(date) is 'Makes the partition of the month in which that day is';

-- Rows that are there already stay in the partition for all else, and are found there.
alter table user_activity attach partition user_activity_rest default;

-- Who may do what, and the views, which follow a table when it is renamed.
do $$
declare
  old constant regclass := 'user_activity_rest'::regclass;
  seen record;
begin
  for seen in select a.privilege_type, a.grantee from pg_class c, aclexplode(c.relacl) a
               where c.oid = old and a.grantee <> c.relowner loop
    execute format('grant %s on user_activity to %s', seen.privilege_type,
                   case when seen.grantee = 0 then 'public' else seen.grantee::regrole::text end);
  end loop;
  for seen in select distinct v.oid::regclass as name, pg_get_viewdef(v.oid) as body
                from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class v on v.oid = r.ev_class
               where d.refobjid = old and d.classid = 'pg_rewrite'::regclass and v.relkind = 'v' loop
    execute format('create or replace view %s as %s', seen.name,
                   regexp_replace(seen.body, '\muser_activity_rest\M', 'user_activity', 'g'));
  end loop;
end $$;

select ingest_partition_month((date_trunc('month', now()) + n * interval '1 month')::date)
  from generate_series(1, 2) as n;

commit;
