SELECT source, regexp_replace(path, '.*/dt=', '') AS path, rows_staged FROM ops.files ORDER BY ALL
