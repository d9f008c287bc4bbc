{{ config(materialized='dedup', unique_key=['issue_id', 'cob_start_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'cobrowsing') }}
