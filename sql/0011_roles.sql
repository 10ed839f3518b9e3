-- Who may do what. Whoever migrates owns all of it and is for people and migrations; the services log
-- in as less. Roles belong to the whole server: another database of it may have made them already, or
-- make them at this moment. They cannot log in until they are given a password (see docs/security.md).
do $$
declare
  wanted text;
begin
  foreach wanted in array array['ingest_writer', 'ingest_reader', 'ingest_operator'] loop
    begin
      if not exists (select from pg_roles where rolname = wanted) then
        execute format('create role %I nologin', wanted);
      end if;
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise exception 'expected a user who may create roles, or the role % to be there; have an administrator say: create role %',
          wanted, wanted using errcode = 'insufficient_privilege';
    end;
  end loop;

  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to ingest_writer, ingest_reader, ingest_operator', current_database());
  -- Duplicates are told from conflicts in a temporary table.
  execute format('grant temporary on database %I to ingest_writer', current_database());

  -- Anyone who gets in could fill the disk with large objects, which nothing here uses. They are the
  -- superuser's to take away.
  if (select rolsuper from pg_roles where rolname = current_user) then
    revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public;
  end if;
end $$;

-- Where the database is older than PostgreSQL 15, everyone may make tables in it.
revoke create on schema public from public;
grant usage on schema public to ingest_writer, ingest_reader, ingest_operator;

-- Looks at everything, and at what is added later.
grant select on all tables in schema public to ingest_reader;
alter default privileges in schema public grant select on tables to ingest_reader;

-- Adds rows, and never changes or removes one; moves the checkpoint; marks rejects and requests as
-- dealt with; tells what it does.
grant select, insert           on user_activity        to ingest_writer;
grant select, insert           on user_activity_errors to ingest_writer;
grant update (resolved_at)     on user_activity_errors to ingest_writer;
grant select, insert, update   on ingest_files         to ingest_writer;
grant select                   on ingest_commands      to ingest_writer;
grant update (handled_by, handled_at, outcome) on ingest_commands to ingest_writer;
grant select, insert, update   on ingestors            to ingest_writer;
grant insert                   on ingest_activity      to ingest_writer;
grant select on ingest_paused, schema_migrations, ingest_status, ingest_latency, ingest_discrepancies to ingest_writer;

-- What the ingestors told of themselves is kept for an hour. A function, so that who calls it needs no
-- right to delete.
create function ingest_prune_activity() returns void language sql as $$
  delete from ingest_activity where at < clock_timestamp() - interval '1 hour';
  delete from ingestors where seen_at < clock_timestamp() - interval '1 hour';
$$;
comment on function ingest_prune_activity() is 'Forgets what ingestors did more than an hour ago';

-- The controls act with the owner's rights, whoever may turn them; who did is kept in ingest_commands.
alter function ingest_pause(text)       security definer set search_path = pg_catalog, public, pg_temp;
alter function ingest_resume()          security definer set search_path = pg_catalog, public, pg_temp;
alter function ingest_replay(text)      security definer set search_path = pg_catalog, public, pg_temp;
alter function ingest_skip(text)        security definer set search_path = pg_catalog, public, pg_temp;
alter function ingest_prune_activity()  security definer set search_path = pg_catalog, public, pg_temp;

revoke execute on function ingest_pause(text), ingest_resume(), ingest_replay(text), ingest_skip(text),
  ingest_prune_activity(), ingest_caller(), ingest_event_id(bytea) from public;
grant execute on function ingest_pause(text), ingest_resume(), ingest_replay(text), ingest_skip(text) to ingest_operator;
-- `ingest replay` is a command of the ingestor's own.
grant execute on function ingest_replay(text), ingest_prune_activity(), ingest_event_id(bytea) to ingest_writer;
grant execute on function ingest_event_id(bytea) to ingest_reader;
