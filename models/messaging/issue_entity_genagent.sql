-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_name', 'issue_id'], order_by=[]) }}
select * from {{ source('messaging', 'issue_entity_genagent') }}
