-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, issue_id, company_id, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['company_name', 'issue_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'voice_intents') }}
