-- The published key also names flow_name and flow_status_ts, which the feed lacks: what remains is the key.
-- The older guide's key, issue_id, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'success_event_details'], order_by=['negation_event_ts', 'success_event_ts']) }}
select * from {{ source('messaging', 'flow_completions') }}
