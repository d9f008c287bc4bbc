-- The older guide orders by event_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'article_id', 'event_ts'], order_by=[]) }}
select * from {{ source('messaging', 'knowledge_base') }}
