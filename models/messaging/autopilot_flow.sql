-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, company_id, issue_id, form_start_ts, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['company_name', 'issue_id', 'form_start_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'autopilot_flow') }}
