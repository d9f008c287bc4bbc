{{ config(materialized='dedup', unique_key=['issue_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'rep_augmentation') }}
