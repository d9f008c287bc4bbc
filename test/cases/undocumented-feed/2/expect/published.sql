SELECT count(*) AS tables FROM duckdb_tables() WHERE database_name = 'published' AND table_name = 'ivr_calls'
