-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, instance_ts, rep_id, desk_mode, gives way to the newer, published one.
-- The older guide orders by instance_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['instance_ts', 'rep_id', 'desk_mode', 'max_slots', 'company_name'], order_by=[]) }}
select * from {{ source('messaging', 'rep_utilized') }}
