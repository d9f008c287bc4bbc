{{ config(materialized='dedup', unique_key=['rep_id'], order_by=['created_ts']) }}
select * from {{ source('messaging', 'reps') }}
