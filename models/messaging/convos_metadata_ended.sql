{{ config(materialized='dedup', unique_key=['issue_id'], order_by=['conversation_end_ts']) }}
select * from {{ source('messaging', 'convos_metadata_ended') }}
