SELECT run_id, status, exit_code, rows_staged, rows_rejected, message FROM ops.runs ORDER BY run_id
