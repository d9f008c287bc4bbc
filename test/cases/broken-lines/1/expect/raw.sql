SELECT line, decode(raw) AS raw FROM loader.ops.rejected_rows ORDER BY ALL
