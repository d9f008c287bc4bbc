-- The older guide's key, issue_id, rep_id, timestamp_req, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'rep_id', 'timestamp_req'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'transfers') }}
