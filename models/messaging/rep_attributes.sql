-- The older guide orders by created_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['rep_attribute_id', 'rep_id', 'created_ts'], order_by=[]) }}
select * from {{ source('messaging', 'rep_attributes') }}
