-- The older guide's key, company_id, issue_id, session_id, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['issue_id', 'session_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'issue_session_merge') }}
