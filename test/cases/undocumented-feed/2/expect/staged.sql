SELECT * EXCLUDE (_loaded_at) FROM loader.staging_messaging.ivr_calls ORDER BY _file_id, _line
