-- The older guide's key, company_id, csid, gives way to the newer, published one.
{{ config(materialized='dedup', unique_key=['csid', 'company_name'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'csid_containment_1d') }}
