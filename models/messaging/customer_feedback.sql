-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, issue_id, company_subdivision, company_segments, last_rep_id, question, instance_ts,
-- gives way to the newer, published one.
-- The older guide orders by instance_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['issue_id', 'company_name', 'last_rep_id', 'question', 'instance_ts'], order_by=[]) }}
select * from {{ source('messaging', 'customer_feedback') }}
