SELECT path, line, reason, detail, decode(raw) AS raw
FROM loader.ops.rejected_rows JOIN loader.ops.files USING (file_id) ORDER BY ALL
