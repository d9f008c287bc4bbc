SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = 'loader' AND table_name = 'ivr_calls' AND column_name NOT LIKE '\_%' ESCAPE '\'
