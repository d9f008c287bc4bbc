-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_marker', 'conversation_id', 'message_id'], order_by=[]) }}
select * from {{ source('ai_services', 'staging_utterance_state') }}
