-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_marker', 'conversation_id', 'contact_id'], order_by=[]) }}
select * from {{ source('ai_services', 'contact_entity_generative_agent') }}
