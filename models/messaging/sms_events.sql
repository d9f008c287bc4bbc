-- The older guide's key, sms_flow_id, gives way to the newer, published one.
-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_id', 'sms_flow_id'], order_by=[]) }}
select * from {{ source('messaging', 'sms_events') }}
