{{ config(materialized='dedup', unique_key=['issue_id'], order_by=['first_utterance_ts']) }}
select * from {{ source('messaging', 'convos_metrics') }}
