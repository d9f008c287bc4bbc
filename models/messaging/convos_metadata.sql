{{ config(materialized='dedup', unique_key=['issue_id'], order_by=['last_event_ts']) }}
select * from {{ source('messaging', 'convos_metadata') }}
