-- A funnel has steps that lie within each other. And a session is one shopper's: names of sessions that
-- are given out anew for each user, as in the original project, are not one session.
create or replace view activity_session_funnel as
with session as (
  select min(event_time) filter (where event_type = 'view')     as viewed_at,
         max(event_time) filter (where event_type = 'purchase') as bought_at,
         count(*) filter (where event_type = 'purchase')        as purchases
    from user_activity group by user_id, session_id
), step as (
  select count(*)                                                             as sessions,
         count(viewed_at)                                                     as viewed,
         count(*) filter (where bought_at >= viewed_at)                       as bought,
         count(*) filter (where bought_at >= viewed_at and purchases > 1)     as bought_again
    from session
)
select place, step, s.sessions, round(s.sessions::numeric / nullif(step.sessions, 0), 4) as share_of_all
  from step, lateral (values
    (1, 'any event', step.sessions), (2, 'viewed a product', step.viewed),
    (3, 'bought after a view', step.bought), (4, 'bought more than once', step.bought_again)
  ) as s (place, step, sessions)
 order by place;
comment on view activity_session_funnel is
  'Sessions of one user from the first event to more than one purchase, each step a part of the one before, and their share of all';
