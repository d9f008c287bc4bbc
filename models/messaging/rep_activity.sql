-- The published key names company_id, which the feed lacks: company_name stands for it.
-- The older guide orders by instance_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_name', 'instance_ts', 'rep_id', 'status_id', 'in_status_starting_ts'], order_by=[]) }}
select * from {{ source('messaging', 'rep_activity') }}
