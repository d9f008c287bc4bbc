-- One row per agent and hour, made of the 15-minute windows of two feeds. An agent who changes between chat and voice, or
-- the number of slots, has several rows a window in rep_utilized: their minutes add up.
{{ config(materialized='table') }}

with utilized as (
  select rep_id, date_trunc('hour', instance_ts) as hour_ts,
    max(company_name) as company_name,
    max_by(rep_name, {'at': instance_ts, 'name': rep_name}) filter (rep_name is not null) as rep_name,
    string_agg(distinct desk_mode, ',' order by desk_mode) as desk_modes,
    max(max_slots) as max_slots,
    round(sum(lin_logged_in_min), 3) as logged_in_minutes,
    round(sum(cum_logged_in_min), 3) as slot_minutes,
    round(sum(lin_avail_min), 3) as available_minutes,
    round(sum(lin_busy_min), 3) as busy_minutes,
    round(sum(lin_prebreak_min), 3) as prebreak_minutes,
    round(sum(lin_ute_total_min), 3) as utilized_minutes,
    round(sum(lin_ute_avail_min), 3) as utilized_available_minutes,
    round(sum(lin_ute_busy_min), 3) as utilized_busy_minutes,
    round(sum(cum_ute_total_min), 3) as issue_minutes,
    round(sum(cum_ute_avail_min), 3) as issue_available_minutes,
    round(sum(labor_min), 3) as labor_minutes,
    sum(busy_clicks_ct)::bigint as busy_clicks
  from {{ ref('messaging', 'rep_utilized') }}
  where rep_id is not null and instance_ts is not null
  group by all
),

statuses as (
  select rep_id, date_trunc('hour', instance_ts) as hour_ts,
    coalesce(status_description, status_id, 'unknown') as status,
    max(company_name) as company_name,
    max_by(rep_name, {'at': instance_ts, 'name': rep_name}) filter (rep_name is not null) as rep_name,
    round(sum(window_status_time) / 60, 3) as minutes
  from {{ ref('messaging', 'rep_activity') }}
  where rep_id is not null and instance_ts is not null
  group by all
),

activity as (
  select rep_id, hour_ts, max(company_name) as company_name, max(rep_name) as rep_name,
    map_from_entries(list({'key': status, 'value': minutes} order by status)) as minutes_by_status,
    max_by(status, {'minutes': minutes, 'status': status}) as main_status
  from statuses
  group by all
)

select
  rep_id,
  hour_ts,
  coalesce(u.company_name, a.company_name) as company_name,
  coalesce(u.rep_name, a.rep_name) as rep_name,
  u.desk_modes,
  u.max_slots,
  a.minutes_by_status,
  a.main_status,
  u.logged_in_minutes,
  u.slot_minutes,
  u.available_minutes,
  u.busy_minutes,
  u.prebreak_minutes,
  u.utilized_minutes,
  u.utilized_available_minutes,
  u.utilized_busy_minutes,
  u.issue_minutes,
  u.labor_minutes,
  u.busy_clicks,
  -- Ratios are made of the hour's sums: an average of the windows' own ratios would weigh a short window as much as a long.
  round(u.utilized_minutes / nullif(u.logged_in_minutes, 0), 4) as occupancy,
  round(u.issue_minutes / nullif(u.labor_minutes, 0), 4) as utilization,
  round(u.issue_available_minutes / nullif(u.labor_minutes, 0), 4) as active_utilization,
  round(u.issue_minutes / nullif(u.utilized_minutes, 0), 4) as avg_concurrency
from utilized as u
full join activity as a using (rep_id, hour_ts)
