{{ config(materialized='view') }}
select voice_intent_code, sum(issues)::bigint as issues from {{ ref('intents_by_day') }} group by all order by issues desc limit 1
