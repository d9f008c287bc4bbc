-- The older guide orders by rep_assigned_ts, which is part of the key: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['company_id', 'issue_id', 'rep_id', 'rep_assigned_ts'], order_by=[]) }}
select * from {{ source('messaging', 'rep_assignment_disposition') }}
