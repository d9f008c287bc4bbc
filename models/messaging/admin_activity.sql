-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, company_id, rep_id, status_description, status_start_ts, gives way to the newer,
-- published one.
{{ config(materialized='dedup', unique_key=['company_name', 'rep_id', 'status_description', 'status_start_ts'], order_by=['status_end_ts']) }}
select * from {{ source('messaging', 'admin_activity') }}
