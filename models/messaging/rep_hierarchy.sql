-- The older guide's key, subordinate_agent_id, superior_agent_id, gives way to the newer, published one.
-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['subordinate_rep_id', 'superior_rep_id'], order_by=[]) }}
select * from {{ source('messaging', 'rep_hierarchy') }}
