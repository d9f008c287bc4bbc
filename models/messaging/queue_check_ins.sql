-- The older guide's key, issue_id, customer_id, check_in_ts, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'customer_id', 'check_in_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'queue_check_ins') }}
