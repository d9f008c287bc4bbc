{{ config(materialized='dedup', unique_key=['created_ts', 'issue_id', 'sender_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'utterances') }}
