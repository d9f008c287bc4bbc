{{ config(materialized='table') }}
select date_trunc('day', instance_ts) as day, voice_intent_code, count(*) as issues
from {{ ref('voice_intents') }}
group by all
