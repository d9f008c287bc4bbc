{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'summary_tag_presented'], order_by=['instance_ts']) }}
select * from {{ source('messaging', 'convos_summary_tags') }}
