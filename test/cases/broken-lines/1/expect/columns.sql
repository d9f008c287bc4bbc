SELECT column_name FROM duckdb_columns() WHERE database_name = 'published' AND table_name = 'rejected_rows'
