-- One row per conversation. It is there as soon as either feed of conversations has it; what the others say joins by
-- issue_id, which is their whole key, so that no row is multiplied. Names and values that are passed on are the feeds'.
{{ config(materialized='table') }}

with answers as (
  -- A form that is sent again has its answers twice: the latest answer to each question counts.
  select issue_id, question, max(question_category) as question_category, max(instance_ts) as answered_ts,
    max_by(answer, {'at': instance_ts, 'part': _partition_ts, 'answer': answer}) as answer
  from {{ ref('messaging', 'customer_feedback') }}
  where issue_id is not null and answer is not null
  group by issue_id, question
),

feedback as (
  select issue_id, count(*) as feedback_answers, max(answered_ts) as feedback_ts,
    round(avg(try_cast(answer as double)) filter (question_category = 'rating'), 3) as feedback_rating
  from answers
  group by issue_id
)

select
  issue_id,
  coalesce(d.company_name, m.company_name) as company_name,
  coalesce(d.company_subdivision, m.company_subdivision) as company_subdivision,
  coalesce(d.company_segments, m.company_segments) as company_segments,
  coalesce(d.customer_id, m.customer_id) as customer_id,
  d.session_id,

  lower(coalesce(d.platform, m.platform)) as platform,
  lower(coalesce(d.device_type, m.device_type)) as device_type,
  d.language_code,
  d.issue_created_ts,
  coalesce(d.first_utterance_ts, m.first_utterance_ts) as first_utterance_ts,
  d.assigned_to_rep_time,
  d.disposition_ts,
  d.conversation_end_ts,
  d.last_event_ts,
  d.conversation_end_ts is not null as is_ended,
  case
    when d.ended_resolved = 1 then 'resolved'
    when d.ended_unresolved = 1 then 'unresolved'
    when d.ended_timeout = 1 then 'timeout'
    when d.ended_auto = 1 then 'auto'
    when d.ended_other = 1 or d.conversation_end_ts is not null then 'other'
  end as outcome,
  d.disposition_event_type,
  d.issue_queue_id,
  d.issue_queue_name,
  d.first_rep_id,
  d.last_rep_id,
  d.escalated_to_chat = 1 as escalated_to_chat,
  m.assisted,

  m.total_handle_time,
  m.total_lead_time,
  m.total_wrap_up_time,
  m.total_session_time,
  m.time_in_queue,
  m.hold_ct,
  m.total_hold_time_seconds,
  m.customer_sent_msgs,
  m.rep_sent_msgs,
  m.auto_generated_msgs,
  m.auto_suggest_msgs,
  m.auto_complete_msgs,
  m.customer_response_count,
  m.rep_response_count,
  round(m.total_seconds_to_first_rep_response / nullif(m.first_rep_response_count, 0), 3)
    as avg_first_response_seconds,
  round(m.total_rep_seconds_to_respond / nullif(m.rep_response_count, 0), 3) as avg_rep_response_seconds,
  round(m.total_cust_seconds_to_respond / nullif(m.customer_response_count, 0), 3)
    as avg_customer_response_seconds,

  i.first_utterance_text,
  i.first_intent_code,
  i.final_intent_code,
  i.intent_path,
  i.disambig_count,
  i.is_first_intent_correct,

  -- A conversation that was not scored has a status that says why, and -1000 for a score.
  case when s.status is null and s.score > -1000 then s.score end as sentiment_score,
  s.status as sentiment_status,
  d.sentiment_valence,

  d.csat_rating,
  f.feedback_rating,
  coalesce(f.feedback_answers, 0) as feedback_answers,
  f.feedback_ts
from {{ ref('messaging', 'convos_metadata') }} as d
full join {{ ref('messaging', 'convos_metrics') }} as m using (issue_id)
left join {{ ref('messaging', 'convos_intents') }} as i using (issue_id)
left join {{ ref('messaging', 'issue_sentiment') }} as s using (issue_id)
left join feedback as f using (issue_id)
where issue_id is not null
