SELECT regexp_replace(f.path, '.*/', '') AS file, r.line, r.reason, r.detail FROM ops.rejected_rows r JOIN ops.files f USING (file_id) ORDER BY ALL
