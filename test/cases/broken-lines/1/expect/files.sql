SELECT regexp_replace(f.path, '.*/dt=', '') AS path, f.bytes, f.lines, f.rows_staged, f.rows_rejected,
  superseded_by IS NOT NULL AS superseded
FROM ops.files f ORDER BY ALL
