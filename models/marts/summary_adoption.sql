-- One row per day (UTC) of the summaries that were generated on it. What an agent makes of a summary counts on the day that
-- it was generated, also when it comes later: the shares of a day are of its own summaries.
{{ config(materialized='view') }}

with summaries as (
  select t.conversation_id, t.agent_id,
    coalesce(t.autosummary_free_text_ts, t.instance_ts)::date as day,
    t.is_autosummary_feedback_used = 1 or f.summary_id is not null as submitted,
    t.is_autosummary_feedback_edited = 1 as edited,
    t.autosummary_free_text_length as generated_length,
    t.autosummary_feedback_length as submitted_length,
    t.autosummary_levenshtein_distance as distance,
    epoch(f.autosummary_feedback_ts) - epoch(t.autosummary_free_text_ts) as review_seconds
  from {{ ref('ai_services', 'autosummary_free_text') }} as t
  left join {{ ref('ai_services', 'autosummary_feedback') }} as f
    on f.summary_id = t.summary_id
      and f.conversation_id = t.conversation_id
      and f.company_marker is not distinct from t.company_marker
)

select
  day,
  count(*) as summaries,
  count(distinct conversation_id) as conversations,
  count(distinct agent_id) as agents,
  count(*) filter (submitted) as submitted,
  count(*) filter (submitted and edited) as submitted_edited,
  count(*) filter (submitted and not coalesce(edited, false)) as submitted_as_generated,
  round(count(*) filter (submitted) / count(*), 4) as adoption_rate,
  round(count(*) filter (submitted and edited) / nullif(count(*) filter (submitted), 0), 4) as edit_rate,
  count(distance) as compared,
  round(avg(distance), 2) as avg_edit_distance,
  round(sum(distance) / nullif(sum(greatest(generated_length, submitted_length)) filter (distance is not null), 0), 4)
    as edited_share,
  round(avg(generated_length), 1) as avg_generated_length,
  round(avg(submitted_length), 1) as avg_submitted_length,
  round(median(review_seconds), 1) as median_review_seconds
from summaries
where day is not null
group by day
