-- Per status, not per issue.
{{ config(materialized='dedup', unique_key=['issue_id', 'status'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'issue_sentiment') }}
