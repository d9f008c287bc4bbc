-- One row per day (UTC) and channel of the sessions that began on it. A session that runs past midnight counts once.
{{ config(materialized='view') }}

select
  coalesce(csid_start_ts, instance_ts)::date as day,
  coalesce(lower(last_platform), 'unknown') as channel,
  count(*) as sessions,
  count(*) filter (is_contained) as contained_sessions,
  count(*) filter (not is_contained) as not_contained_sessions,
  round(count(*) filter (is_contained) / nullif(count(is_contained), 0), 4) as containment_rate,
  count(*) filter (has_customer_utterance) as engaged_sessions,
  count(*) filter (has_customer_utterance and is_contained) as engaged_contained_sessions,
  round(count(*) filter (has_customer_utterance and is_contained)
    / nullif(count(is_contained) filter (has_customer_utterance), 0), 4) as engaged_containment_rate,
  count(*) filter (attempted_escalate) as escalation_attempts,
  count(*) filter (was_enqueued) as enqueued_sessions,
  count(*) filter (nullif(reps_involved, '') is not null) as sessions_with_reps,
  count(distinct customer_id) as customers,
  sum(len(string_split(nullif(included_issues, ''), '|')))::bigint as issues,
  sum(messages_sent)::bigint as customer_messages,
  sum(rep_msgs)::bigint as rep_messages,
  round(avg(epoch(csid_end_ts) - epoch(csid_start_ts)), 1) as avg_session_seconds
from {{ ref('messaging', 'csid_containment') }}
where coalesce(csid_start_ts, instance_ts) is not null
group by all
