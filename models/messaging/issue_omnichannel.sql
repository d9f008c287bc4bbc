-- The published key names company_marker, which the feed lacks: company_name stands for it.
-- The older guide's key, company_id, issue_id, third_party_customer_id, gives way to the newer, published
-- one.
{{ config(materialized='dedup', unique_key=['company_name', 'issue_id', 'third_party_customer_id'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'issue_omnichannel') }}
