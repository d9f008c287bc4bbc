SELECT regexp_replace(path, '.*/', '') AS path, attempts, resolved_at IS NOT NULL AS resolved FROM ops.file_failures
