SELECT run_id, command, status, exit_code, rows_staged, rows_rejected FROM ops.runs ORDER BY run_id
