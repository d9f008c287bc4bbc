-- The older guide orders by instance_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['rep_id', 'event_type', 'company_marker', 'instance_ts'], order_by=[]) }}
select * from {{ source('messaging', 'agent_journey_rep_event_frequency') }}
