SELECT file_id, line, reason, resolution FROM ops.rejected_rows
