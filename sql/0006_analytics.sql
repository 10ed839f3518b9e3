-- Questions that people ask of the events. Plain views over user_activity: always true, never stale;
-- over very large tables give them a where, or make them materialized.

create view activity_per_minute as
select date_trunc('minute', event_time) as minute, event_type, count(*) as events,
       sum(price) filter (where event_type = 'purchase') as revenue
  from user_activity
 group by 1, 2 order by 1 desc, 2;
comment on view activity_per_minute is 'Events per minute of event_time (UTC) and type, the newest first; revenue of purchases';

create view activity_conversion as
with pair as (
  select product_id, user_id,
         min(event_time) filter (where event_type = 'view') as viewed_at,
         max(event_time) filter (where event_type = 'purchase') as bought_at
    from user_activity group by product_id, user_id
)
select product_id, count(viewed_at) as viewers,
       count(*) filter (where bought_at >= viewed_at) as viewers_who_bought,
       count(*) filter (where bought_at is not null and viewed_at is null) as buyers_without_a_view,
       round(count(*) filter (where bought_at >= viewed_at)::numeric / nullif(count(viewed_at), 0), 4) as conversion
  from pair group by product_id order by viewers desc, product_id;
comment on view activity_conversion is
  'From view to purchase, product by product: of the users who viewed it, how many bought it then or later (0 to 1)';

create view activity_top_products as
select rank() over (order by sum(price) desc) as rank, product_id, sum(price) as revenue,
       count(*) as purchases, count(distinct user_id) as buyers, round(avg(price), 2) as average_price
  from user_activity where event_type = 'purchase'
 group by product_id order by revenue desc, product_id;
comment on view activity_top_products is 'Products by revenue of their purchases, the best first: add a limit';

create view activity_session_funnel as
with session as (
  select session_id, count(*) as events,
         min(event_time) filter (where event_type = 'view') as viewed_at,
         max(event_time) filter (where event_type = 'purchase') as bought_at,
         count(distinct product_id) filter (where event_type = 'view') as products_viewed
    from user_activity group by session_id
), step as (
  select count(*) as sessions, count(viewed_at) as viewed,
         count(*) filter (where products_viewed > 1) as compared,
         count(*) filter (where bought_at >= viewed_at) as bought
    from session
)
select place, step, s.sessions, round(s.sessions::numeric / nullif(step.sessions, 0), 4) as share_of_all
  from step, lateral (values
    (1, 'any event', step.sessions), (2, 'viewed a product', step.viewed),
    (3, 'viewed several products', step.compared), (4, 'bought after a view', step.bought)
  ) as s (place, step, sessions)
 order by place;
comment on view activity_session_funnel is 'Sessions from the first event to a purchase, step by step, and their share of all';

-- By file first, which the block-range index finds: the newest events are in the newest files.
create view activity_recent as
select a.event_time, a.event_type, a.product_id, a.price, a.user_id, a.session_id,
       f.file_name, a.line_no, a.ingested_at
  from user_activity a join ingest_files f using (file_id)
 where a.file_id > (select coalesce(max(file_id), 0) - 100 from ingest_files)
 order by a.ingested_at desc, a.event_time desc, a.event_id;
comment on view activity_recent is 'Events of the 100 files found last, the newest first, and where each came from: add a limit';

-- Which reject an event that came later mends: the first UUID of the line, where there is one.
create function ingest_event_id(raw_line bytea) returns uuid language sql immutable parallel safe as $$
  select substring(encode(raw_line, 'escape')
         from '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}')::uuid
$$;
comment on function ingest_event_id(bytea) is 'The first UUID that stands in a rejected line';
create index user_activity_errors_open on user_activity_errors (error_id) where resolved_at is null;
