{{ config(materialized='dedup', unique_key=['issue_id', 'queue_id', 'enter_queue_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'issue_queues') }}
