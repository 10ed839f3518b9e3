-- user_activity over many servers, with Citus. On the coordinator, after the migrations and while
-- nothing is loaded:
--   psql -d ecommerce_db -v ON_ERROR_STOP=1 -f deploy/citus.sql
-- The workers are there already: select citus_add_node('worker-1', 5432); The services go on talking to
-- the coordinator and need no setting. Not together with deploy/partitions.sql.
--
-- Only the rows are spread, by the key: that is what lets each server tell by itself that it has an
-- event already. The checkpoint, the quarantine and what people say stay on the coordinator: small, and
-- written in the same transaction. Citus commits that one in two phases, whose decision is kept on the
-- coordinator beside the checkpoint, so rows and offset still stand or fall together.
--
-- What was run, and what could not be here: docs/scaling.md, "Past one server".
create extension if not exists citus;

do $$
begin
  if (select relkind from pg_class where oid = 'user_activity'::regclass) = 'p' then
    raise exception 'expected one table, found user_activity in partitions'
      using hint = 'deploy/partitions.sql and deploy/citus.sql are two ways; choose one';
  end if;
  if not exists (select from pg_dist_node where noderole = 'primary' and shouldhaveshards) then
    raise exception 'expected a worker at least, found none'
      using hint = 'select citus_set_coordinator_host(''coordinator''); select citus_add_node(''worker-1'', 5432);';
  end if;
end $$;

-- More shards than servers, so that servers can be added later (select citus_rebalance_start()).
select create_distributed_table('user_activity', 'event_id', shard_count => 32);
