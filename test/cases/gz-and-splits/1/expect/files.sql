SELECT regexp_replace(path, '.*/dt=', '') AS path, lines, rows_staged FROM ops.files ORDER BY ALL
