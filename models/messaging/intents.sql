-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, code, name, intent_type, gives way to the newer, published one.
-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['code', 'company_name'], order_by=[]) }}
select * from {{ source('messaging', 'intents') }}
