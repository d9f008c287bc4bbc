-- The older guide's key, issue_id, created_ts, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['issue_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'issue_sentiment') }}
