{{ config(materialized='dedup', unique_key=['company_id', 'customer_id', 'issue_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'issue_type') }}
