-- No guide names a column to order by: _partition_ts decides.
{{ config(materialized='dedup', unique_key=['export_date', 'export_job', 'export_interval'], order_by=[]) }}
select * from {{ source('messaging', 'export_row_counts') }}
