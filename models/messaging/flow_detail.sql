-- The older guide's key, issue_id, event_ts, gives way to the newer, published one.
-- The older guide orders by event_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['event_ts', 'issue_id', 'event_type'], order_by=[]) }}
select * from {{ source('messaging', 'flow_detail') }}
