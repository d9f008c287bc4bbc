{{ config(materialized='dedup', unique_key=['issue_id', 'customer_id', 'opportunity_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'live_agent_opportunities') }}
