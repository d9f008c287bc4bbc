-- The older guide orders by instance_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['instance_ts', 'queue_name', 'rep_id'], order_by=[]) }}
select * from {{ source('messaging', 'queue_wfm') }}
