-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['event_id', 'param_key'], order_by=[]) }}
select * from {{ source('messaging', 'customer_params_hourly') }}
