{{ config(materialized='dedup', unique_key=['issue_id', 'rep_id', 'issue_assigned_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'rep_convos') }}
