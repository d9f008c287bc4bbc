-- One row per queue and 15 minutes in which anything happened. Counts and sums add up to hours and days; averages, shares
-- and percentiles do not, and are to be made again from them.
{{ config(materialized='table') }}

with stays as (
  select queue_id, time_bucket(interval '15 minutes', enter_queue_ts) as interval_ts,
    enter_queue_ts, queue_name, _partition_ts,
    coalesce(abandoned, false) as abandoned,
    exit_queue_ts is not null and not coalesce(abandoned, false) as answered,
    coalesce(enqueue_time, epoch(exit_queue_ts) - epoch(enter_queue_ts)) as wait_seconds
  from {{ ref('messaging', 'issue_queues') }}
  where queue_id is not null and enter_queue_ts is not null
),

names as (
  -- A queue that was renamed has its last name throughout.
  select queue_id,
    max_by(queue_name, {'at': enter_queue_ts, 'part': _partition_ts, 'name': queue_name}) as queue_name
  from stays
  where queue_name is not null
  group by queue_id
),

waits as (
  select queue_id, interval_ts,
    count(*) as entered,
    count(*) filter (answered) as answered,
    count(*) filter (abandoned) as abandoned,
    count(*) filter (not answered and not abandoned) as still_waiting,
    count(*) filter (answered and wait_seconds <= {{ var('service_level_seconds', 30) }}) as answered_in_time,
    round(sum(wait_seconds) filter (answered), 3) as answered_wait_seconds,
    round(sum(wait_seconds) filter (abandoned), 3) as abandoned_wait_seconds,
    round(median(wait_seconds) filter (answered or abandoned), 3) as median_wait_seconds,
    round(quantile_cont(wait_seconds, 0.9) filter (answered or abandoned), 3) as p90_wait_seconds,
    round(max(wait_seconds) filter (answered or abandoned), 3) as max_wait_seconds
  from stays
  group by all
),

handling as (
  select queue_id, time_bucket(interval '15 minutes', issue_assigned_ts) as interval_ts,
    count(*) as assigned,
    count(handle_time_seconds) as handled,
    round(sum(handle_time_seconds), 3) as handle_seconds,
    round(sum(lead_time_seconds), 3) as lead_seconds,
    round(sum(wrap_up_time_seconds), 3) as wrap_up_seconds,
    count(first_response_seconds) as first_responses,
    round(sum(first_response_seconds), 3) as first_response_seconds
  from {{ ref('messaging', 'rep_convos') }}
  where queue_id is not null and issue_assigned_ts is not null
  group by all
)

select
  queue_id,
  interval_ts,
  n.queue_name,
  coalesce(w.entered, 0) as entered,
  coalesce(w.answered, 0) as answered,
  coalesce(w.abandoned, 0) as abandoned,
  coalesce(w.still_waiting, 0) as still_waiting,
  coalesce(w.answered_in_time, 0) as answered_in_time,
  w.answered_wait_seconds,
  w.abandoned_wait_seconds,
  round(w.answered_wait_seconds / nullif(w.answered, 0), 3) as avg_answered_wait_seconds,
  w.median_wait_seconds,
  w.p90_wait_seconds,
  w.max_wait_seconds,
  round(w.abandoned / nullif(w.answered + w.abandoned, 0), 4) as abandon_rate,
  round(w.answered_in_time / nullif(w.answered + w.abandoned, 0), 4) as service_level,
  coalesce(h.assigned, 0) as assigned,
  coalesce(h.handled, 0) as handled,
  h.handle_seconds,
  h.lead_seconds,
  h.wrap_up_seconds,
  round(h.handle_seconds / nullif(h.handled, 0), 3) as avg_handle_seconds,
  round(h.first_response_seconds / nullif(h.first_responses, 0), 3) as avg_first_response_seconds
from waits as w
full join handling as h using (queue_id, interval_ts)
left join names as n using (queue_id)
