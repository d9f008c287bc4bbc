{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'conversation_end_ts'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'fact_convos_missed_ends') }}
