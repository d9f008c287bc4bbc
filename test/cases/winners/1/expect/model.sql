SELECT rows_in, rows_kept, rows_superseded FROM ops.model_runs
