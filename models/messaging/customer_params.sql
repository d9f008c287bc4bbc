{{ config(materialized='dedup', unique_key=['event_id', 'param_key'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'customer_params') }}
